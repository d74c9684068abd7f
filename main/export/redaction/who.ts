import { canonicalClass } from '../../domain/class-mapping.ts';
import type { TrackPaths } from '../../domain/track-paths.ts';
import { amongNumbers } from '../numbered-objects.ts';

/** Classes by their names in COCO that make up what a redaction calls people or vehicles. */
const CLASSES = {
	people: ['person', 'rider'],
	vehicles: ['car', 'truck', 'bus', 'motorcycle', 'bicycle', 'train', 'van', 'tricycle', 'awning-tricycle'],
} as const;

/** Who is hidden: some kind of object, everything that was found, or objects by their numbers alone. */
export type Whom = 'people' | 'vehicles' | 'both' | 'all' | 'chosen';

/** Whether a class is hidden, for each of the model's. */
export function hiddenClasses(classes: readonly string[], whom: Whom): boolean[] {
	const wanted: readonly string[] =
		whom === 'people' || whom === 'vehicles'
			? CLASSES[whom]
			: whom === 'both'
				? [...CLASSES.people, ...CLASSES.vehicles]
				: [];
	return classes.map((name) => whom === 'all' || wanted.includes(canonicalClass(name)));
}

/**
 * The rows of `paths` that are hidden: of the classes, with those numbered in `also` and without those in `except`. Throws
 * `unknown-object` for numbers of nobody: who was meant would be seen.
 */
export function hiddenTracks(
	paths: TrackPaths,
	ofClass: readonly boolean[],
	{ also, except }: { also: string; except: string },
): number[] {
	const among = (numbers: string, name: string) =>
		amongNumbers(paths.identities, numbers, name, 'format redacted');
	const [named, spared] = [among(also, 'also'), among(except, 'except')];
	return [...paths.identities.keys()].filter((track) => {
		const identity = paths.identities[track]!;
		return !spared(identity) && (named(identity) || ofClass[paths.classIndices[track]!]!);
	});
}

import { canonicalClass } from '../../domain/class-mapping.ts';
import { UserFacingError } from '../../domain/errors.ts';
import { isInSpans, spansOf } from '../../domain/settings-table.ts';
import { identityLabel } from '../../domain/track-labels.ts';
import type { TrackPaths } from '../../domain/track-paths.ts';

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
 * `bad-argument` for numbers of nobody: who was meant would be seen.
 */
export function hiddenTracks(
	paths: TrackPaths,
	ofClass: readonly boolean[],
	{ also, except }: { also: string; except: string },
): number[] {
	const [named, spared] = [holds(paths, 'also', also), holds(paths, 'except', except)];
	return [...paths.identities.keys()].filter((track) => {
		const identity = paths.identities[track]!;
		return !spared(identity) && (named(identity) || ofClass[paths.classIndices[track]!]!);
	});
}

function holds({ identities }: TrackPaths, setting: string, numbers: string): (identity: number) => boolean {
	const spans = spansOf(numbers) ?? [];
	for (const span of spans) {
		if (identities.some((identity) => isInSpans([span], identity))) continue;
		const got = [...new Set(span)].map(identityLabel).join('-');
		throw new UserFacingError(
			'bad-argument',
			`format redacted: numbers of objects that the run shows were expected in "${setting}" (got ${got}, which is nobody's).`,
		);
	}
	return (identity) => isInSpans(spans, identity);
}

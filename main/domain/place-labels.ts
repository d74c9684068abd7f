import type { Rect } from './overlay-geometry.ts';
import type { Size } from './video.ts';

export type LabelWish = {
	/** The labelled box. */
	rect: Rect;
	label: string;
	/** A shorter text, used if there is no room for the whole one; empty = no label. */
	short: string;
};

export type PlacedLabel = Rect & { words: string };

/**
 * Places labels so that each is readable: above its box, else below it, else inside; shortened if even that would cover
 * another one; null if there is no room at all. Boxes lower in the picture, nearer to the camera, choose first, so that
 * labels keep their places from frame to frame. `width` measures words; `height` is that of a label; `taken` is kept
 * free; `avoided` is, where that costs neither words nor the sight of the object. All in pixels; one answer per wish, in the same
 * order.
 */
export function placeLabels(
	wishes: readonly LabelWish[],
	size: Size,
	width: (words: string) => number,
	height: number,
	taken: readonly Rect[],
	avoided: readonly Rect[] = [],
): (PlacedLabel | null)[] {
	const placed: Rect[] = [...taken];
	const labels: (PlacedLabel | null)[] = wishes.map(() => null);
	const nearestFirst = [...wishes.keys()].sort(
		(a, b) => bottomOf(wishes[b]!.rect) - bottomOf(wishes[a]!.rect),
	);
	for (const i of nearestFirst) {
		const { rect, label, short } = wishes[i]!;
		const best = [label, short].map((words) => placeOf(rect, words)).find((place) => place !== null);
		if (!best) continue;
		placed.push(best);
		labels[i] = best;
	}
	return labels;

	function placeOf(rect: Rect, words: string): PlacedLabel | null {
		if (words === '') return null;
		const choices = places(rect, words);
		const isFree = (choice: Rect) => inside(choice) && !placed.some((other) => overlap(choice, other));
		const outside = choices.slice(0, 2).filter(isFree);
		const clear = outside.find((choice) => !avoided.some((other) => overlap(choice, other)));
		return clear ?? choices.find(isFree) ?? null;
	}

	/** Above, below, inside. */
	function places(rect: Rect, words: string): PlacedLabel[] {
		const own = { width: width(words), height, words };
		const x = Math.max(0, Math.min(rect.x, size.width - own.width));
		return [rect.y - height, bottomOf(rect), rect.y].map((y) => ({ x, y, ...own }));
	}

	function inside({ x, y, width: wide, height: high }: Rect): boolean {
		return y >= 0 && y + high <= size.height && x + wide <= size.width;
	}
}

function bottomOf({ y, height }: Rect): number {
	return y + height;
}

function overlap(a: Rect, b: Rect): boolean {
	return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

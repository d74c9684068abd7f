import type { Rect } from './overlay-geometry.ts';
import type { Size } from './video.ts';

export type LabelWish = {
	/** The box that it names. */
	rect: Rect;
	label: string;
	/** Enough to tell whom it names, where there is no room for more. */
	short: string;
};

export type PlacedLabel = Rect & { words: string };

/**
 * Where labels stand so that each can be read: above its box, else below it, else inside; shortened where even that
 * would cover another one; null where there is no room at all. Boxes lower in the picture, nearer to the camera,
 * choose first, so that labels keep their places from frame to frame. `width` measures words; `height` is a label's;
 * nothing is put on `taken`. All in pixels; one answer a wish, in the order of the wishes.
 */
export function placeLabels(
	wishes: readonly LabelWish[],
	size: Size,
	width: (words: string) => number,
	height: number,
	taken: readonly Rect[],
): (PlacedLabel | null)[] {
	const placed: Rect[] = [...taken];
	const labels: (PlacedLabel | null)[] = wishes.map(() => null);
	const nearestFirst = [...wishes.keys()].sort(
		(a, b) => bottomOf(wishes[b]!.rect) - bottomOf(wishes[a]!.rect),
	);
	for (const i of nearestFirst) {
		const { rect, label, short } = wishes[i]!;
		const choices = [label, short].flatMap((words) => places(rect, words));
		const free = choices.find((choice) => inside(choice) && !placed.some((other) => overlap(choice, other)));
		if (!free) continue;
		placed.push(free);
		labels[i] = free;
	}
	return labels;

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

import { boxIou } from '../../domain/detections.ts';

/** Boxes found in parts of a picture, in columns of equal length. */
export type PartBoxes = {
	classIndices: Int32Array;
	/** 0 to 1. */
	scores: Float32Array;
	/** [n, 4]: left, top, right, bottom in pixels of the whole picture. */
	boxesXyxy: Float32Array;
	/** The run of the network that found each; `OVERVIEW` = in the whole frame. */
	sources: Int32Array;
	/** 1 where the box ends at a border of its part behind which the picture goes on. */
	cut: Uint8Array;
};

/** Boxes of the whole picture, best score first. */
export type MergedBoxes = Pick<PartBoxes, 'classIndices' | 'scores' | 'boxesXyxy'>;

/** The source of boxes that were found in the whole frame, shrunk. */
export const OVERVIEW = -1;

/** Two boxes of one class show the same object from this overlap on: over the union of both, or over the smaller of two that were cut. */
const SAME = 0.5;

/** What is known of an object that one or more boxes show. */
type Found = { classIndex: number; score: number; box: Float32Array; cut: boolean; sources: number[] };

/**
 * One box for each object, whichever parts found it. Boxes of one run are different objects. Of two runs, whole boxes that overlap
 * by half their union are one, and the better one stays; of a box that was cut at a border, half of the smaller one is enough: it
 * goes where a whole one is there, and where both were cut they grow together. A box of the overview takes all parts of its object, of
 * which one tile may have found several.
 */
export function mergeSeams(boxes: PartBoxes): MergedBoxes {
	const { classIndices, scores, boxesXyxy, sources, cut } = boxes;
	const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
	const found: Found[] = [];
	for (const i of order) {
		add(found, {
			classIndex: classIndices[i]!,
			score: scores[i]!,
			box: boxesXyxy.slice(4 * i, 4 * i + 4),
			cut: cut[i] === 1,
			sources: [sources[i]!],
		});
	}
	found.sort((a, b) => b.score - a.score); // stable: what grew keeps its best score
	return {
		classIndices: Int32Array.from(found, ({ classIndex }) => classIndex),
		scores: Float32Array.from(found, ({ score }) => score),
		boxesXyxy: Float32Array.from(found.flatMap(({ box }) => [...box])),
	};
}

/** Adds an object to those that are known, or to the one that it is. What grows may reach others, and is compared again. */
function add(found: Found[], one: Found): void {
	for (let i = 0; i < found.length; i++) {
		const other = found[i]!;
		if (!areOne(other, one)) continue;
		found.splice(i, 1);
		add(found, together(other, one));
		return;
	}
	found.push(one);
}

function areOne(a: Found, b: Found): boolean {
	if (a.classIndex !== b.classIndex) return false;
	const shared = a.cut || b.cut ? overSmaller(a.box, b.box) : boxIou(a.box, 0, b.box, 0);
	return shared >= SAME && !a.sources.some((source) => b.sources.includes(source));
}

function together(a: Found, b: Found): Found {
	const score = Math.max(a.score, b.score);
	const sources = [...a.sources, ...b.sources];
	if (a.cut !== b.cut) {
		const whole = a.cut ? b : a;
		return { ...whole, score, sources: whole.sources.includes(OVERVIEW) ? [OVERVIEW] : sources };
	}
	if (!a.cut) return { ...(a.score >= b.score ? a : b), sources };
	const box = a.box.map((side, at) => (at < 2 ? Math.min(side, b.box[at]!) : Math.max(side, b.box[at]!)));
	return { ...a, score, sources, box };
}

/** Intersection of two boxes over the area of the smaller one, 0 to 1. */
export function overSmaller(a: ArrayLike<number>, b: ArrayLike<number>): number {
	const width = Math.min(a[2]!, b[2]!) - Math.max(a[0]!, b[0]!);
	const height = Math.min(a[3]!, b[3]!) - Math.max(a[1]!, b[1]!);
	if (width <= 0 || height <= 0) return 0;
	const area = (box: ArrayLike<number>) => (box[2]! - box[0]!) * (box[3]! - box[1]!);
	return (width * height) / Math.min(area(a), area(b));
}

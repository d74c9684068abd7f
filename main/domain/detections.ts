import { assert } from './errors.ts';
import { reachesLeast, type LeastScores } from './least-scores.ts';

/**
 * The boxes of one frame, in columns of equal length, best score first. `boxesXyxy` holds four numbers per detection:
 * left, top, right, bottom in displayed video pixels, clipped to the picture.
 */
export class Detections {
	readonly count: number;
	readonly classIndices: Uint16Array;
	/** 0 to 1. */
	readonly scores: Float32Array;
	readonly boxesXyxy: Float32Array;
	/** 1 where the box rests on what has been out of date for too long; null = nowhere. */
	readonly stale: Uint8Array | null;

	constructor(
		classIndices: Uint16Array,
		scores: Float32Array,
		boxesXyxy: Float32Array,
		stale: Uint8Array | null = null,
	) {
		assert(
			scores.length === classIndices.length &&
				boxesXyxy.length === 4 * scores.length &&
				(stale === null || stale.length === scores.length),
			`detections need equal columns (got ${classIndices.length} classes, ${scores.length} scores, ${boxesXyxy.length} / 4 boxes)`,
		);
		this.count = scores.length;
		this.classIndices = classIndices;
		this.scores = scores;
		this.boxesXyxy = boxesXyxy;
		this.stale = stale;
	}

	static readonly none = new Detections(new Uint16Array(0), new Float32Array(0), new Float32Array(0));

	box(i: number): readonly [left: number, top: number, right: number, bottom: number] {
		const b = this.boxesXyxy;
		return [b[4 * i]!, b[4 * i + 1]!, b[4 * i + 2]!, b[4 * i + 3]!];
	}

	/** The same detections with other marks; without any if none is set. */
	withStale(marks: Uint8Array): Detections {
		const any = marks.includes(1);
		return new Detections(this.classIndices, this.scores, this.boxesXyxy, any ? marks : null);
	}

	isStale(i: number): boolean {
		return this.stale?.[i] === 1;
	}

	/** How many are stale. */
	get staleCount(): number {
		return this.stale?.reduce((count, mark) => count + mark, 0) ?? 0;
	}

	/** The detections for which `keep` holds, in their order. */
	filter(keep: (i: number) => boolean): Detections {
		const kept: number[] = [];
		for (let i = 0; i < this.count; i++) if (keep(i)) kept.push(i);
		return new Detections(
			Uint16Array.from(kept, (i) => this.classIndices[i]!),
			Float32Array.from(kept, (i) => this.scores[i]!),
			Float32Array.from(kept.flatMap((i) => this.box(i))),
			this.stale && Uint8Array.from(kept, (i) => this.stale![i]!),
		);
	}

	/** The detections whose class has a number of at least 0 in `numberOf`, under these numbers, in their order. */
	renumbered(numberOf: ArrayLike<number>): Detections {
		const kept = this.filter((i) => numberOf[this.classIndices[i]!]! >= 0);
		const numbers = kept.classIndices.map((own) => numberOf[own]!);
		return new Detections(numbers, kept.scores, kept.boxesXyxy, kept.stale);
	}

	/** The detections that reach the least score of their class, in their order. */
	scoredAtLeast(least: LeastScores): Detections {
		return this.filter((i) => reachesLeast(least, this.classIndices[i]!, this.scores[i]!));
	}

	/** How many detections each class has: `counts[classIndex]`. */
	countPerClass(classCount: number): Uint32Array {
		const counts = new Uint32Array(classCount);
		for (const c of this.classIndices) if (c < classCount) counts[c]!++;
		return counts;
	}
}

/** Intersection over union of box `i` of `a` and box `j` of `b`; 0 to 1. */
export function boxIou(a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number): number {
	const p = 4 * i;
	const q = 4 * j;
	const width = Math.min(a[p + 2]!, b[q + 2]!) - Math.max(a[p]!, b[q]!);
	const height = Math.min(a[p + 3]!, b[q + 3]!) - Math.max(a[p + 1]!, b[q + 1]!);
	if (width <= 0 || height <= 0) return 0;
	const shared = width * height;
	const areaA = (a[p + 2]! - a[p]!) * (a[p + 3]! - a[p + 1]!);
	const areaB = (b[q + 2]! - b[q]!) * (b[q + 3]! - b[q + 1]!);
	return shared / (areaA + areaB - shared);
}

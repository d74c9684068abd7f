/** Values per bucket of the lowest level, and buckets per bucket of the next one. */
const FANOUT = 8;

/** The largest bucket size of at most `values` values; 1 if there is none. */
export function bucketSize(values: number): number {
	let size = 1;
	while (size * FANOUT <= values) size *= FANOUT;
	return size;
}

/** Extent of some values without the NaN ones; `count` 0 means that there were no others. */
export type Extent = { min: number; max: number; sum: number; count: number };

type Level = { min: Float64Array; max: Float64Array; sum: Float64Array; count: Uint32Array };

/**
 * Minimum, maximum and sum over any range of a growing column, in a few hundred steps however long the range is, so
 * that a million frames can be drawn on a thousand pixels sixty times a second.
 */
export class MinMaxPyramid {
	length = 0;
	/** Level l holds buckets of FANOUT^(l + 1) values; only complete buckets are kept. */
	readonly #levels: Level[] = [];

	/** Adds the values from `length` on; `column` may be a larger copy of the one given before. */
	extend(column: ArrayLike<number>, length: number): void {
		const before = this.length;
		this.length = length;
		let done = before;
		let have = length;
		for (let l = 0; have >= FANOUT; l++) {
			done = Math.floor(done / FANOUT);
			have = Math.floor(have / FANOUT);
			const level = this.#level(l, have);
			for (let bucket = done; bucket < have; bucket++) {
				const extent = emptyExtent();
				for (let i = bucket * FANOUT; i < (bucket + 1) * FANOUT; i++) {
					if (l === 0) addValue(extent, column[i]!);
					else addBucket(extent, this.#levels[l - 1]!, i);
				}
				level.min[bucket] = extent.min;
				level.max[bucket] = extent.max;
				level.sum[bucket] = extent.sum;
				level.count[bucket] = extent.count;
			}
		}
	}

	/** The extent of `column[from]` up to, but excluding, `column[to]`; `into` is overwritten and returned. */
	extent(column: ArrayLike<number>, from: number, to: number, into: Extent = emptyExtent()): Extent {
		clear(into);
		let at = Math.max(0, from);
		const end = Math.min(to, this.length);
		while (at < end) {
			let level = -1;
			let size = 1;
			while (
				level + 1 < this.#levels.length &&
				at % (size * FANOUT) === 0 &&
				at + size * FANOUT <= end &&
				at / (size * FANOUT) < Math.floor(this.length / (size * FANOUT))
			) {
				level++;
				size *= FANOUT;
			}
			if (level < 0) addValue(into, column[at]!);
			else addBucket(into, this.#levels[level]!, at / size);
			at += size;
		}
		return into;
	}

	#level(l: number, buckets: number): Level {
		const level = this.#levels[l];
		if (level && level.min.length >= buckets) return level;
		const wanted = Math.max(buckets, 2 * (level?.min.length ?? 8));
		const larger = {
			min: new Float64Array(wanted),
			max: new Float64Array(wanted),
			sum: new Float64Array(wanted),
			count: new Uint32Array(wanted),
		};
		if (level) {
			larger.min.set(level.min);
			larger.max.set(level.max);
			larger.sum.set(level.sum);
			larger.count.set(level.count);
		}
		this.#levels[l] = larger;
		return larger;
	}
}

export function emptyExtent(): Extent {
	return { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY, sum: 0, count: 0 };
}

function clear(extent: Extent): void {
	extent.min = Number.POSITIVE_INFINITY;
	extent.max = Number.NEGATIVE_INFINITY;
	extent.sum = 0;
	extent.count = 0;
}

function addValue(extent: Extent, value: number): void {
	if (Number.isNaN(value)) return;
	if (value < extent.min) extent.min = value;
	if (value > extent.max) extent.max = value;
	extent.sum += value;
	extent.count++;
}

function addBucket(extent: Extent, level: Level, bucket: number): void {
	if (level.count[bucket] === 0) return;
	if (level.min[bucket]! < extent.min) extent.min = level.min[bucket]!;
	if (level.max[bucket]! > extent.max) extent.max = level.max[bucket]!;
	extent.sum += level.sum[bucket]!;
	extent.count += level.count[bucket]!;
}

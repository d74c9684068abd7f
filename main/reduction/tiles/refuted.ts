import { assert } from '../../domain/errors.ts';
import { boxIou } from '../../domain/detections.ts';
import type { NamedArrays } from '../../domain/named-arrays.ts';

/** Plans for which what a whole tile did not show is not asked for again. */
const HOLDS = 30;
/** Two boxes of one class are the same from this overlap on, over the union of both. */
const SAME = 0.5;

type Refuted = { classIndex: number; box: ArrayLike<number>; until: number };

/** Boxes that parts of a frame showed with little around them, and the whole tile did not. */
export class RefutedBoxes {
	#boxes: Refuted[] = [];
	#plans = 0;

	/** The number of the plan at hand, from 1 on. */
	get plan(): number {
		return this.#plans;
	}

	/** A plan begins. */
	begin(): void {
		this.#plans++;
		this.#boxes = this.#boxes.filter(({ until }) => until > this.#plans);
	}

	clear(): void {
		this.#boxes = [];
	}

	add(classIndex: number, box: ArrayLike<number>): void {
		this.#boxes.push({ classIndex, box, until: this.#plans + HOLDS });
	}

	has(classIndex: number, box: ArrayLike<number>): boolean {
		return this.#boxes.some((one) => one.classIndex === classIndex && boxIou(one.box, 0, box, 0) >= SAME);
	}

	saveState(): NamedArrays {
		const rows = this.#boxes.flatMap(({ classIndex, until, box }) => [classIndex, until, ...Array.from(box)]);
		return { 'tiles.refuted': Float64Array.of(this.#plans, ...rows) };
	}

	restoreState({ 'tiles.refuted': refuted }: NamedArrays): void {
		assert(refuted, 'a snapshot holds boxes that were refuted');
		this.#plans = refuted[0]!;
		this.#boxes = Array.from({ length: (refuted.length - 1) / 6 }, (_, i) => {
			const [classIndex, until, ...box] = refuted.subarray(1 + 6 * i, 7 + 6 * i);
			return { classIndex: classIndex!, until: until!, box };
		});
	}
}

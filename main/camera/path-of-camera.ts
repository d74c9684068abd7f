import type { CameraPath } from '../domain/camera-path.ts';
import type { Placement } from '../domain/placement.ts';

/** Side of a token, in pixels. */
const SQUARE = 16;

/** Real and imaginary part: points and steps from the middle of a picture, and what turns and stretches them. */
type Complex = { re: number; im: number };

/** The way of a camera from the first frame on, over views that roll and are anchored anew. */
export class PathOfCamera {
	/** Where the present anchor's middle lies in the first one, and what a step of it is there. */
	#middle: Complex = { re: 0, im: 0 };
	#step: Complex = { re: 1, im: 0 };
	/** Tokens that the view has rolled by since it was anchored. */
	#rows = 0;
	#cols = 0;

	roll(rows: number, cols: number): void {
		this.#rows += rows;
		this.#cols += cols;
	}

	/** From here on placements are against the frame whose view lay at `place`. */
	anchor(place: Placement): void {
		this.#middle = this.#middleAt(place);
		this.#step = divide(this.#step, stretch(place));
		this.#rows = 0;
		this.#cols = 0;
	}

	/** Where the camera looks while the view lies at `place` in its frame, in pixels of the frame. */
	at(place: Placement): CameraPath {
		const { re: x, im: y } = this.#middleAt(place);
		const step = divide(this.#step, stretch(place));
		return {
			x,
			y,
			scale: 1 / Math.hypot(step.re, step.im),
			rotation: Math.atan2(step.im, step.re),
			gridX: place.x,
			gridY: place.y,
		};
	}

	get state(): number[] {
		return [this.#middle.re, this.#middle.im, this.#step.re, this.#step.im, this.#rows, this.#cols];
	}

	set state(state: ArrayLike<number>) {
		this.#middle = { re: state[0]!, im: state[1]! };
		this.#step = { re: state[2]!, im: state[3]! };
		this.#rows = state[4]!;
		this.#cols = state[5]!;
	}

	#middleAt(place: Placement): Complex {
		const inView = divide({ re: -place.x, im: -place.y }, stretch(place));
		const inScene = { re: inView.re - SQUARE * this.#cols, im: inView.im - SQUARE * this.#rows };
		const { re, im } = times(this.#step, inScene);
		return { re: this.#middle.re + re, im: this.#middle.im + im };
	}
}

function stretch({ grow, spin }: Placement): Complex {
	return { re: 1 + grow, im: spin };
}

function times(a: Complex, b: Complex): Complex {
	return { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re };
}

function divide(a: Complex, b: Complex): Complex {
	const size = b.re ** 2 + b.im ** 2;
	return { re: (a.re * b.re + a.im * b.im) / size, im: (a.im * b.re - a.re * b.im) / size };
}

import { UserFacingError } from '../../domain/errors.ts';
import type { TruthRemark } from '../../domain/truth-coverage.ts';
import type { Size } from '../../domain/video.ts';

/**
 * How an object counts. `ignored`: finding it is neither right nor wrong, however often. `crowd`: the same for a region
 * of many; a box overlaps it by the part of the box that is inside (pycocotools' `iscrowd`).
 */
export const COUNTED = 0;
export const IGNORED = 1;
export const CROWD = 2;

/** The objects of one frame, in columns of equal length. */
export type TruthObjects = {
	/** Indices into `GroundTruth.classNames`. */
	classIndices: Uint16Array;
	/** Left, top, right, bottom, in pixels of the truth's own pictures. */
	boxesXyxy: Float32Array;
	/** `COUNTED`, `IGNORED` or `CROWD`. */
	roles: Uint8Array;
};

/** What annotators saw in a video. */
export type GroundTruth = {
	path: string;
	/** A format's id, such as `mot`. */
	format: string;
	/** What the file was read as: the format, or one of several forms that it has. */
	form: string;
	/** What was read otherwise than may be expected, or left out. */
	remarks: readonly TruthRemark[];
	classNames: readonly string[];
	/** By frame index, from 0. A frame without objects was looked at and is empty. */
	frames: ReadonlyMap<number, TruthObjects>;
	/** Size of the annotated pictures; null if the file doesn't say. */
	pictureSize: Size | null;
};

/** A file format of ground truth: one file here, one line in the registry. */
export type TruthFormat = {
	id: string;
	title: string;
	/** For the message if no format fits. */
	expects: string;
	recognises(text: string, path: string): boolean;
	/** Throws `truth-unreadable` with the place. */
	parse(text: string, path: string, options: TruthOptions): GroundTruth;
};

/** What a file doesn't say about itself. */
export type TruthOptions = {
	/** The number that the truth gives to the video's first frame; by default as the format has it (MOT 1, others 0). */
	firstFrame?: number;
};

/** Collects objects one by one. */
export class TruthBuilder {
	readonly #classIndices: number[] = [];
	readonly #boxes: number[] = [];
	readonly #roles: number[] = [];

	add(classIndex: number, left: number, top: number, width: number, height: number, role: number): void {
		this.#classIndices.push(classIndex);
		this.#boxes.push(left, top, left + width, top + height);
		this.#roles.push(role);
	}

	build(): TruthObjects {
		return {
			classIndices: Uint16Array.from(this.#classIndices),
			boxesXyxy: Float32Array.from(this.#boxes),
			roles: Uint8Array.from(this.#roles),
		};
	}
}

export function truthUnreadable(
	place: string,
	expected: string,
	came: string,
	remedy?: string,
): UserFacingError {
	const options = remedy === undefined ? {} : { remedy };
	return new UserFacingError(
		'truth-unreadable',
		`${place}: ${expected} was expected (got ${came}).`,
		options,
	);
}

import { Detections } from './detections.ts';

export type BoxRow = [classIndex: number, score: number, left: number, width?: number];

/** Boxes on one line, 10 wide (unless told) and 10 high. */
export function boxes(...rows: BoxRow[]): Detections {
	return new Detections(
		Uint16Array.from(rows, ([classIndex]) => classIndex),
		Float32Array.from(rows, ([, score]) => score),
		Float32Array.from(rows.flatMap(([, , left, width = 10]) => [left, 0, left + width, 10])),
	);
}

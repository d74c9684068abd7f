import type { Size } from '../main/domain/video.ts';

/** Where a virtual camera looks in its source: the middle of its picture, and by how much a pixel of it is longer there. */
export type View = { x: number; y: number; scale: number };

export type CameraMotion = {
	name: string;
	/** Where the camera looks at frame `index`, from the middle of the room that it has. `room`: most that x and y may be, in pixels. */
	at(index: number, room: { x: number; y: number }): View;
};

const SHAKE = shake(4096, 1.2);

/** The motions that are measured; the first one is none. */
export const CAMERA_MOTIONS: readonly CameraMotion[] = [
	{ name: 'fixed', at: () => ({ x: 0, y: 0, scale: 1 }) },
	{
		name: 'pan',
		at: (index, room) => ({ x: bounce(1.37 * index, room.x), y: bounce(0.31 * index, room.y), scale: 1 }),
	},
	{ name: 'shake', at: (index) => ({ ...SHAKE[index % SHAKE.length]!, scale: 1 }) },
	{ name: 'zoom', at: (index) => ({ x: 0, y: 0, scale: 1 / (1 + Math.min(0.03, 0.0003 * index)) }) },
	{
		name: 'stop and go',
		at: (index, room) => ({
			x: bounce(headTravel(index), room.x),
			y: bounce(0.3 * headTravel(index), room.y),
			scale: 1,
		}),
	},
];

/** Pixels that a surveillance head has turned by: still for 40 frames, then 25 frames of up to 4 pixels each. */
function headTravel(index: number): number {
	const [still, going, fastest] = [40, 25, 4];
	const whole = Math.floor(index / (still + going));
	const within = Math.max(0, (index % (still + going)) - still);
	const share = within / going;
	// The integral of a speed that rises and falls like a sine.
	const each = (fastest * going * 2) / Math.PI;
	return each * (whole + (1 - Math.cos(Math.PI * share)) / 2);
}

/** A path there and back between −most and most, from 0. */
function bounce(travel: number, most: number): number {
	if (most <= 0) return 0;
	const phase = (((travel + most) % (4 * most)) + 4 * most) % (4 * most);
	return phase < 2 * most ? phase - most : 3 * most - phase;
}

/** A hand: noise that remembers itself, about `step` pixels from frame to frame along each axis. */
function shake(frames: number, step: number): { x: number; y: number }[] {
	let state = 7;
	const uniform = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 2 ** 32;
	const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
	const path = [];
	const at = { x: 0, y: 0 };
	for (let i = 0; i < frames; i++) {
		path.push({ ...at });
		at.x = 0.93 * at.x + step * normal();
		at.y = 0.93 * at.y + step * normal();
	}
	return path;
}

/** The camera's picture, rgb24 of `size`, from a source: cubic convolution (Keys, 1981). Writes to `out`. */
export function look(source: Uint8Array, from: Size, view: View, size: Size, out: Uint8Array): void {
	const columns = taps(size.width, from.width, view.x, view.scale);
	const rows = taps(size.height, from.height, view.y, view.scale);
	const lines = new Float32Array(3 * size.width * from.height);
	const first = Math.max(0, Math.min(...rows.at));
	const last = Math.min(from.height - 1, Math.max(...rows.at) + 3);
	for (let y = first; y <= last; y++) {
		for (let x = 0; x < size.width; x++) {
			for (let c = 0; c < 3; c++) {
				let sum = 0;
				for (let k = 0; k < 4; k++) {
					const at = Math.min(from.width - 1, Math.max(0, columns.at[x]! + k));
					sum += columns.weights[4 * x + k]! * source[3 * (y * from.width + at) + c]!;
				}
				lines[3 * (y * size.width + x) + c] = sum;
			}
		}
	}
	const wide = 3 * size.width;
	for (let y = 0; y < size.height; y++) {
		const from4 = [0, 1, 2, 3].map((k) => wide * Math.min(last, Math.max(first, rows.at[y]! + k)));
		const [a, b, c, d] = rows.weights.subarray(4 * y, 4 * y + 4) as unknown as [
			number,
			number,
			number,
			number,
		];
		for (let i = 0; i < wide; i++) {
			const value =
				a * lines[from4[0]! + i]! +
				b * lines[from4[1]! + i]! +
				c * lines[from4[2]! + i]! +
				d * lines[from4[3]! + i]!;
			out[y * wide + i] = Math.min(255, Math.max(0, Math.round(value)));
		}
	}
}

function taps(size: number, of: number, shift: number, scale: number) {
	const at = new Int32Array(size);
	const weights = new Float32Array(4 * size);
	for (let i = 0; i < size; i++) {
		const place = (of - 1) / 2 + shift + scale * (i - (size - 1) / 2);
		at[i] = Math.floor(place) - 1;
		for (let k = 0; k < 4; k++) weights[4 * i + k] = cubic(place - (at[i]! + k));
	}
	return { at, weights };
}

function cubic(distance: number): number {
	const x = Math.abs(distance);
	if (x < 1) return 1.5 * x ** 3 - 2.5 * x ** 2 + 1;
	return x < 2 ? -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2 : 0;
}

import { z } from 'zod';
import { assert } from '../domain/errors.ts';
import type { Weights, WeightTensor } from './safetensors.ts';

// Tensors from a seed and their name, number for number as tools/parity/seeded.py makes them: whole numbers, exact products
// and double arithmetic only, so that both round to the same float32.

const shapeSchema = z.array(z.number().int().nonnegative());
const seedSchema = z.number().int().min(0).max(0xffffffff);

/** Weights or other tensors that stand in no file. */
export const seededTensorsSchema = z.strictObject({
	seed: seedSchema,
	/** By the end of a tensor's name: mean and standard deviation of its numbers. The first that fits holds. */
	rules: z.array(z.tuple([z.string(), z.number(), z.number()])).default([]),
	/** A shape, or the name of another of these tensors that it is. */
	tensors: z.record(z.string(), z.union([shapeSchema, z.string()])),
});

/** Pictures, bytes by name, as [height, width, 3] or [.., 3, height, width]. */
export const seededPicturesSchema = z.strictObject({
	seed: seedSchema,
	tensors: z.record(z.string(), shapeSchema),
});

/** Tokens [1, tokens, dim] of a video's frames, `frame<t>.input`. Those of a frame in `repeats` are the last frame's. */
export const seededVideoSchema = z.strictObject({
	seed: seedSchema,
	shape: z.tuple([z.literal(1), z.number().int().positive(), z.number().int().positive()]),
	frames: z.number().int().positive(),
	/** Standard deviation of the first frame's numbers, and a measure of each step. */
	scale: z.number().default(1),
	repeats: z.array(z.number().int()).default([]),
});

type Rule = z.infer<typeof seededTensorsSchema>['rules'][number];

const COMMON_RULES: readonly Rule[] = [
	['running_mean', 0, 0.25],
	['running_var', 1, 0.25],
	['num_batches_tracked', 0, 0],
];

export function seededTensors({ seed, rules, tensors }: z.infer<typeof seededTensorsSchema>): Weights {
	const make = (name: string): WeightTensor => {
		const shape = tensors[name];
		assert(shape !== undefined, `a seeded tensor is said to be ${name}, which is none of them`);
		if (typeof shape === 'string') return make(shape);
		const [, mean, std] = ruleFor(name, shape, [...rules, ...COMMON_RULES]);
		return { data: normals(seed, name, sizeOf(shape), mean, std), shape };
	};
	return new Map(Object.keys(tensors).map((name) => [name, make(name)]));
}

export function seededPictures({ seed, tensors }: z.infer<typeof seededPicturesSchema>): Weights {
	return new Map(Object.entries(tensors).map(([name, shape]) => [name, picture(seed, name, shape)]));
}

/** Each token moves on by a step of its own, most by little and few by much. */
export function seededVideo(video: z.infer<typeof seededVideoSchema>): Weights {
	const { seed, shape, frames, scale, repeats } = video;
	const [, tokens, dim] = shape;
	let data = normals(seed, 'frame0.input', tokens * dim, 0, scale);
	const found = new Map([['frame0.input', { data, shape }]]);
	for (let frame = 1; frame < frames; frame++) {
		const lengths = normals(seed, `frame${frame}.step`, tokens, 0, 1);
		const steps = normals(seed, `frame${frame}.input`, tokens * dim, 0, 1);
		const moves = !repeats.includes(frame);
		data = data.map((value, i) => {
			const length = lengths[Math.floor(i / dim)]!;
			return moves ? value + scale * length * length * length * steps[i]! : value;
		});
		found.set(`frame${frame}.input`, { data, shape });
	}
	return found;
}

/** Without a rule of its own: matrices by their fan-in, gains around 1, other vectors around 0. */
function ruleFor(name: string, shape: readonly number[], rules: readonly Rule[]): Rule {
	const rule = rules.find(([end]) => name.endsWith(end));
	if (rule) return rule;
	if (shape.length >= 2) return [name, 0, 1 / Math.sqrt(sizeOf(shape.slice(1)))];
	return [name, name.endsWith('weight') ? 1 : 0, 0.2];
}

/** Standard deviation of the sum of four uniform 16-bit numbers. */
const FOUR_HALVES = 37837.22;

/** Near enough to normal: sums of four uniform numbers, none farther than 3.5 deviations out. */
function normals(seed: number, name: string, size: number, mean: number, std: number): Float32Array {
	const key = keyOf(seed, name);
	return Float32Array.from({ length: size }, (_, i) => {
		const [a, b] = [bits(key, 2 * i), bits(key, 2 * i + 1)];
		const total = (a >>> 16) + (a & 0xffff) + (b >>> 16) + (b & 0xffff);
		return mean + std * ((total - 131070) / FOUR_HALVES);
	});
}

/** Squares of 8 px that noise covers, 0 to 255. */
function picture(seed: number, name: string, shape: readonly number[]): WeightTensor {
	const key = keyOf(seed, name);
	const channelsLast = shape.at(-1) === 3;
	const [height, width] = (channelsLast ? shape.slice(-3) : shape.slice(-2)) as [number, number];
	const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => {
		const pixel = channelsLast ? Math.floor(i / 3) : i;
		const [y, x] = [Math.floor(pixel / width) % height, pixel % width];
		const channel = channelsLast ? i % 3 : Math.floor(i / (width * height)) % 3;
		const square = bits(key, ((y >> 3) * 4096 + (x >> 3)) * 3 + channel) >>> 24;
		const noise = bits(~key, (y * 4096 + x) * 3 + channel) >>> 24;
		return (3 * square + noise) >> 2;
	});
	return { data, shape };
}

/** FNV-1a over the name's UTF-8 bytes, begun at the hash of the seed. */
function keyOf(seed: number, name: string): number {
	let key = mix(seed);
	for (const byte of new TextEncoder().encode(name)) key = Math.imul(key ^ byte, 0x01000193);
	return key;
}

function bits(key: number, index: number): number {
	return mix(key + Math.imul(index, 0x9e3779b9));
}

/** The 32-bit hash lowbias32 (https://nullprogram.com/blog/2018/07/31/). */
function mix(value: number): number {
	let x = value | 0;
	x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
	x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
	return x ^ (x >>> 16);
}

function sizeOf(shape: readonly number[]): number {
	return shape.reduce((size, dim) => size * dim, 1);
}

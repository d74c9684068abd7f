import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserFacingError } from '../../domain/errors.ts';
import { IMAGENET } from '../imagenet.ts';
import type { CardInput } from './card.ts';
import { configBeside, parseLiteral, type StatedNames, statedNames } from './class-names.ts';
import { makersIn, type OnnxFile, type OnnxNode, type OnnxPort } from './onnx-file.ts';
import { inferShapes, statedShape } from './shapes/inference.ts';
import type { Shape } from './shapes/node-view.ts';

/** Side of the picture where a file leaves it open and says nothing of it: what most detectors are trained with. */
const USUAL_SIDE = 640;
const PICTURE_TYPES = ['float32', 'float16', 'uint8'] as const;

/** Mean and deviation per channel, of pixels from 0 to 1, and where they are from. */
export type Colours = { mean: number[]; std: number[]; source: string };

/** The input that takes the picture. */
export type PictureInput = Pick<CardInput, 'name' | 'layout' | 'width' | 'height' | 'type'> & {
	/** Where the size is from. */
	source: string;
	/** Whether the size is only the usual one. */
	isGuess: boolean;
	/** Pictures at once, where the file fixes that. */
	batch: number | null;
};

export type ResolvedOutput = {
	name: string;
	type: string;
	shape: Shape;
	/** Sizes of what is joined last to make it, along the axis that they are joined on; null where nothing is, or a size is unknown. */
	parts: readonly number[] | null;
};

/** All that a file and its neighbours say, for the rules that recognise networks. */
export type Evidence = {
	file: OnnxFile;
	picture: PictureInput;
	/** Inputs beside the picture. */
	others: readonly OnnxPort[];
	outputs: readonly ResolvedOutput[];
	names: StatedNames | null;
	/** config.json beside the file. */
	config: Readonly<Record<string, unknown>> | null;
	/** preprocessor_config.json beside the file. */
	processor: Readonly<Record<string, unknown>> | null;
	/** pipeline.json beside the file, as mmdeploy writes it. */
	pipeline: Readonly<Record<string, unknown>> | null;
	/** What metadata says of colours. */
	colours: Colours | null;
	/** Whether the file holds a vision transformer: patches of 16×16 pixels, layer norms and GELU. */
	isVit: boolean;
};

export function gatherEvidence(file: OnnxFile): Evidence {
	const picture = pictureInput(file);
	const others = file.inputs.filter(({ name }) => name !== picture.name);
	const { width, height, layout } = picture;
	const shape = layout === 'nchw' ? [1, 3, height, width] : [1, height, width, 3];
	const inputs = new Map<string, Shape>([[picture.name, shape]]);
	for (const { name, dims } of others) {
		inputs.set(
			name,
			dims && dims.map((size, axis) => (typeof size === 'number' ? size : axis === 0 ? 1 : null)),
		);
	}
	const { shapes } = inferShapes(file, inputs);
	const makers = makersIn(file.nodes);
	return {
		file,
		picture,
		others,
		outputs: file.outputs.map((port) => ({
			...resolve(port, shapes.get(port.name) ?? null),
			parts: joinedParts(makers, shapes, port.name),
		})),
		names: statedNames(file),
		config: configBeside(file),
		processor: jsonBeside(file, 'preprocessor_config.json'),
		pipeline: jsonBeside(file, 'pipeline.json'),
		colours: statedColours(file),
		isVit: isVit(file),
	};
}

/** What is worked out, else what the file states. */
function resolve({ name, type, dims }: OnnxPort, inferred: Shape): Omit<ResolvedOutput, 'parts'> {
	const stated = statedShape(dims);
	if (!inferred) return { name, type, shape: stated };
	const shape = inferred.map((size, axis) => size ?? stated?.[axis] ?? null);
	return { name, type, shape };
}

/** Operators behind which an output is still the same table. */
const SAME_TABLE = ['Identity', 'Cast', 'Transpose'];

function joinedParts(
	makers: ReadonlyMap<string, OnnxNode>,
	shapes: ReadonlyMap<string, Shape>,
	output: string,
): number[] | null {
	let node = makers.get(output);
	for (let step = 0; step < makers.size && node && SAME_TABLE.includes(node.operator); step++) {
		node = makers.get(node.inputs[0] ?? '');
	}
	const axis = node?.attributes.get('axis');
	if (node?.operator !== 'Concat' || typeof axis !== 'number') return null;
	const sizes = node.inputs.map((name) => shapes.get(name)?.at(axis));
	return sizes.every((size) => typeof size === 'number') ? sizes : null;
}

function pictureInput(file: OnnxFile): PictureInput {
	const fitting = file.inputs.filter(
		({ type, dims }) => PICTURE_TYPES.some((one) => one === type) && (dims === null || dims.length === 4),
	);
	const [port, other] = fitting;
	const listed = file.inputs.map(describePort).join(', ') || 'none';
	if (!port || other) {
		throw new UserFacingError(
			'model-unreadable',
			`${file.path} does not take one picture: one input of three channels was expected (got ${listed}).`,
		);
	}
	const dims = port.dims ?? [null, 3, null, null];
	const layout = dims[1] !== 3 && dims[3] === 3 ? 'nhwc' : 'nchw';
	const channels = layout === 'nchw' ? dims[1] : dims[3];
	if (typeof channels === 'number' && channels !== 3) {
		throw new UserFacingError(
			'model-unreadable',
			`${file.path} takes pictures of ${channels} channels; three were expected, red, green and blue (got ${listed}).`,
		);
	}
	const [high, wide] = layout === 'nchw' ? [dims[2], dims[3]] : [dims[1], dims[2]];
	const batch = typeof dims[0] === 'number' ? dims[0] : null;
	const common = { name: port.name, layout, type: port.type as CardInput['type'], batch } as const;
	if (typeof high === 'number' && typeof wide === 'number') {
		return { ...common, height: high, width: wide, source: 'the file', isGuess: false };
	}
	const stated = statedSize(file);
	if (stated) return { ...common, ...stated, isGuess: false };
	const side = (size: unknown) => (typeof size === 'number' ? size : USUAL_SIDE);
	return { ...common, height: side(high), width: side(wide), source: 'usual', isGuess: true };
}

/** Metadata `imgsz`: height and width, or one side. */
function statedSize({ metadata }: OnnxFile): { height: number; width: number; source: string } | null {
	const given = parseLiteral(metadata.get('imgsz') ?? '');
	const [height, width = height] = (Array.isArray(given) ? given : [given]) as unknown[];
	const isSide = (side: unknown): side is number => Number.isInteger(side) && (side as number) > 0;
	return isSide(height) && isSide(width) ? { height, width, source: 'metadata (imgsz)' } : null;
}

export function describePort({ name, type, dims }: OnnxPort): string {
	return `${name} ${type} [${dims?.map((size) => size ?? '?').join(', ') ?? '?'}]`;
}

/** Metadata as LightlyTrain and others write it: mean and std as lists, by themselves or in one object. */
function statedColours({ metadata }: OnnxFile): Colours | null {
	for (const [key, text] of metadata) {
		if (!/normali[sz]/i.test(key)) continue;
		const value = parseLiteral(text);
		const found = typeof value === 'object' && value !== null ? coloursOf(value, key) : null;
		if (found) return found;
	}
	const own = Object.fromEntries([...metadata].map(([key, text]) => [key, parseLiteral(text)]));
	return (
		coloursOf(own, 'mean, std') ?? coloursOf({ mean: own['image_mean'], std: own['image_std'] }, 'image_mean')
	);
}

function coloursOf(value: object, key: string): Colours | null {
	const { mean, std } = value as { mean?: unknown; std?: unknown };
	const isTriple = (list: unknown): list is number[] =>
		Array.isArray(list) && list.length === 3 && list.every((number) => typeof number === 'number');
	if (!isTriple(mean) || !isTriple(std) || std.some((number) => number <= 0)) return null;
	return { mean, std, source: `metadata (${key})` };
}

export function imageNet(source: string): Colours {
	return { mean: [...IMAGENET.mean], std: [...IMAGENET.std], source };
}

/** Pixels from 0 to 1 as they are. */
export function plainColours(source: string): Colours {
	return { mean: [0, 0, 0], std: [1, 1, 1], source };
}

const PATCH = 16;

function isVit({ operators, nodes, constants }: OnnxFile): boolean {
	const has = (...names: string[]) => names.some((name) => operators.has(name));
	const gelu = has('Gelu', 'Erf', 'com.microsoft.Gelu', 'com.microsoft.FastGelu', 'com.microsoft.BiasGelu');
	const norms = has('LayerNormalization', 'com.microsoft.SkipLayerNormalization', 'ReduceMean');
	const patches = nodes.some(({ operator, inputs, attributes }) => {
		const sides = constants.get(inputs[1] ?? '')?.dims.slice(2) ?? attributes.get('kernel_shape');
		return operator === 'Conv' && Array.isArray(sides) && sides.join() === `${PATCH},${PATCH}`;
	});
	return gelu && norms && patches;
}

function jsonBeside({ path }: OnnxFile, name: string): Record<string, unknown> | null {
	try {
		const json: unknown = JSON.parse(readFileSync(join(dirname(path), name), 'utf8'));
		return typeof json === 'object' ? (json as Record<string, unknown> | null) : null;
	} catch {
		return null;
	}
}

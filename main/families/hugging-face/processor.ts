import { z } from 'zod';
import { side } from '../config-numbers.ts';
import type { Normalisation } from '../../detector/bound-network.ts';
import type { Letterbox, Resampling } from '../../domain/frame.ts';
import type { Size } from '../../domain/video.ts';
import { interpolate, type Picture, type ResizeFilter, resizeBytes } from '../../pixels/resize.ts';
import { parseModelConfig } from '../model-config.ts';

/** What size a picture is brought to. */
export type ResizeRule =
	| { kind: 'stretch'; to: Size }
	/** The shorter side becomes `shortest`, or less where the longer one would exceed `longest`; see `sizeByShorterSide`. */
	| { kind: 'shorter-side'; shortest: number; longest: number | null }
	/** As large as fits. */
	| { kind: 'within'; most: Size };

/** How a picture becomes a network's input, as a preprocessor_config.json has it. */
export type Processor = {
	/** Null = pictures stay as they are. */
	resize: { rule: ResizeRule; filter: ResizeFilter } | null;
	/** Whether bytes are resized with antialiasing and rounded; else numbers are, by interpolation between neighbours. */
	antialias: boolean;
	/** Sides are cut down to multiples of it. */
	multiple: number;
	/** Per channel, of bytes: a pixel becomes (byte − mean) / std. */
	mean: readonly number[];
	std: readonly number[];
	/** Pictures are padded to it, right and below, with zeros; null = only to the largest of a batch. */
	padTo: Size | null;
};

/** What processors of one network do whatever their file says. */
export type ProcessorKind = Pick<Processor, 'antialias' | 'multiple'>;

export const PROCESSOR_KINDS = {
	/** DETR, Conditional DETR, Deformable DETR and what borrows their processor. */
	detr: { antialias: true, multiple: 1 },
	'rf-detr': { antialias: false, multiple: 1 },
	yolos: { antialias: true, multiple: 16 },
} as const satisfies Readonly<Record<string, ProcessorKind>>;

const CHANNELS = 3;
/** The colours of ImageNet, of values in 0 to 1. */
const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];
const SHORTEST = 800;
const LONGEST = 1333;
/** By the number that Pillow has for it. */
const FILTERS: Readonly<Record<number, ResizeFilter>> = {
	0: 'nearest',
	1: 'lanczos',
	2: 'bilinear',
	3: 'bicubic',
};

const sides = z.object({ height: side, width: side });
const sizeSchema = z.union([
	z.object({ shortest_edge: side, longest_edge: side.nullish() }),
	z.object({ max_height: side, max_width: side }),
	sides,
	side,
	z.tuple([side, side]),
]);
const perChannel = <Number extends z.ZodType<number>>(number: Number) =>
	z.union([number, z.array(number).length(CHANNELS)]);
/** The classes of transformers that prepare pictures as it is done here, of all releases. */
const DETECTORS = ['Detr', 'ConditionalDetr', 'DeformableDetr', 'LwDetr', 'RfDetr', 'Yolos'];
const classOfDetector = z
	.string()
	.regex(new RegExp(`^(${DETECTORS.join('|')})(ImageProcessor(Fast|Pil)?|FeatureExtractor)$`), {
		error: ({ input }) => `must be that of a detector, such as DetrImageProcessor, got ${String(input)}`,
	})
	.nullish();
const flag = z.boolean().nullish();
const processorSchema = z.object({
	image_processor_type: classOfDetector,
	feature_extractor_type: classOfDetector,
	do_resize: flag,
	size: sizeSchema.nullish(),
	max_size: side.nullish(),
	resample: z.literal(Object.keys(FILTERS).map(Number)).nullish(),
	do_rescale: flag,
	rescale_factor: z.number().positive().nullish(),
	do_normalize: flag,
	image_mean: perChannel(z.number()).nullish(),
	image_std: perChannel(z.number().positive()).nullish(),
	/** Detectors see the whole picture. */
	do_center_crop: z.literal(false).nullish(),
	do_pad: flag,
	pad_and_return_pixel_mask: flag,
	pad_size: z.union([sides, side, z.tuple([side, side])]).nullish(),
});

/**
 * Reads a preprocessor_config.json as the image processors of transformers' detectors do; an absent file ({}) has their
 * defaults. Throws `model-unreadable`, naming `place` and the first field that is wrong.
 */
export function readProcessor(json: unknown, place: string, kind: ProcessorKind): Processor {
	const given = parseModelConfig(processorSchema, { json, place }, 'an image processor');
	const scale = (given.do_rescale ?? true) ? (given.rescale_factor ?? 1 / 255) : 1;
	const normalises = given.do_normalize ?? true;
	const channels = (value: number | number[] | null | undefined, otherwise: number[], unused: number) => {
		const own = typeof value === 'number' ? Array<number>(CHANNELS).fill(value) : (value ?? otherwise);
		return own.map((number) => (normalises ? number : unused) / scale);
	};
	const pads = given.do_pad ?? given.pad_and_return_pixel_mask ?? true;
	return {
		...kind,
		resize:
			(given.do_resize ?? true)
				? { rule: ruleOf(given.size, given.max_size), filter: FILTERS[given.resample ?? 2]! }
				: null,
		mean: channels(given.image_mean, MEAN, 0),
		std: channels(given.image_std, STD, 1),
		padTo: pads && given.pad_size ? squareOrSize(given.pad_size) : null,
	};
}

function ruleOf(
	size: z.infer<typeof sizeSchema> | null | undefined,
	maxSize: number | null | undefined,
): ResizeRule {
	if (size === null || size === undefined)
		return { kind: 'shorter-side', shortest: SHORTEST, longest: LONGEST };
	// A bare number is how files before release 4.27 state the shorter side.
	if (typeof size === 'number') return { kind: 'shorter-side', shortest: size, longest: maxSize ?? LONGEST };
	if (Array.isArray(size)) return { kind: 'stretch', to: squareOrSize(size) };
	if ('shortest_edge' in size)
		return { kind: 'shorter-side', shortest: size.shortest_edge, longest: size.longest_edge ?? null };
	if ('max_height' in size)
		return { kind: 'within', most: { width: size.max_width, height: size.max_height } };
	return { kind: 'stretch', to: size };
}

/** A side, or a height and a width. */
function squareOrSize(given: number | [number, number] | Size): Size {
	if (typeof given === 'number') return { width: given, height: given };
	return Array.isArray(given) ? { width: given[1], height: given[0] } : given;
}

/** The size that a picture is resized to, before it is padded. */
export function resizedSize({ resize, multiple }: Processor, size: Size): Size {
	if (!resize) return size;
	const { rule } = resize;
	switch (rule.kind) {
		case 'stretch':
			return rule.to;
		case 'within': {
			const ratio = Math.min(rule.most.height / size.height, rule.most.width / size.width);
			return { width: Math.trunc(size.width * ratio), height: Math.trunc(size.height * ratio) };
		}
		case 'shorter-side': {
			const { width, height } = sizeByShorterSide(size, rule, multiple === 1);
			return { width: width - (width % multiple), height: height - (height % multiple) };
		}
	}
}

/**
 * The shorter side is rounded, the longer one cut to whole pixels; where `longest` binds, the longer one comes from the shorter one
 * before it was rounded. Pictures whose shorter side is right stay as they are; upright ones only if `uprightToo`.
 */
function sizeByShorterSide(
	{ width, height }: Size,
	{ shortest, longest }: { shortest: number; longest: number | null },
	uprightToo: boolean,
): Size {
	const [short, long] = [Math.min(width, height), Math.max(width, height)];
	const binds = longest !== null && (long / short) * shortest > longest;
	const exact = binds ? (longest * short) / long : shortest;
	const rounded = roundHalfToEven(exact);
	const longer = (of: number, per: number) => Math.trunc((exact * of) / per);
	if (short === rounded && (uprightToo || width >= height)) return { width, height };
	return width < height
		? { width: rounded, height: longer(height, width) }
		: { width: longer(width, height), height: rounded };
}

/** As Python rounds. */
function roundHalfToEven(value: number): number {
	const floor = Math.floor(value);
	const rest = value - floor;
	if (rest !== 0.5) return Math.round(value);
	return floor % 2 === 0 ? floor : floor + 1;
}

/** A picture as the network takes it, without padding: [3, height, width]. */
export function processPicture(processor: Processor, picture: Picture<Uint8Array>): Picture<Float32Array> {
	const { resize, antialias, mean, std } = processor;
	const resized = resize
		? resizePicture(picture, resizedSize(processor, picture.size), resize.filter, antialias)
		: picture;
	const { data, size } = resized;
	const area = size.width * size.height;
	const out = new Float32Array(CHANNELS * area);
	for (let i = 0; i < out.length; i++) {
		const channel = Math.floor(i / area);
		out[i] = (data[CHANNELS * (i % area) + channel]! - mean[channel]!) / std[channel]!;
	}
	return { data: out, size };
}

function resizePicture(
	picture: Picture<Uint8Array>,
	to: Size,
	filter: ResizeFilter,
	antialias: boolean,
): Picture<Uint8Array | Float32Array> {
	if (antialias || filter === 'lanczos') return resizeBytes(picture, to, filter);
	return interpolate({ data: Float32Array.from(picture.data), size: picture.size }, to, filter);
}

/** The processor's colours as detectors take them. */
export function normalisationOf({ mean, std }: Processor): Normalisation {
	const ofBytes = (numbers: readonly number[]) => numbers.map((value) => value / 255);
	return { mean: ofBytes(mean), std: ofBytes(std), padding: 'zero' };
}

/**
 * How frames of a video are scaled for a network whose input has sides in multiples of `multiple`: to the size that the processor
 * gives them, or less where the longer side would exceed `maxSide`; padded as the processor pads, within `maxSide`. A
 * letterbox without padding is the same for the limit that its own longer side is.
 */
export function letterboxFor(
	processor: Processor,
	displaySize: Size,
	maxSide: number,
	multiple: number,
): Letterbox {
	const published = resizedSize(processor, displaySize);
	const [long, limit] = [Math.max(published.width, published.height), maxSide - (maxSide % multiple)];
	const ratio = long > maxSide ? Math.max(multiple, limit) / long : 1;
	const whole = (pixels: number) => {
		const scaled = Math.round(pixels * ratio);
		return Math.max(multiple, scaled - (scaled % multiple));
	};
	const contentSize = { width: whole(published.width), height: whole(published.height) };
	const { padTo } = processor;
	const padded = (length: number, to = 0) => {
		const allowed = Math.min(to, maxSide);
		return Math.max(length, ratio === 1 ? allowed - (allowed % multiple) : 0);
	};
	return {
		displaySize,
		contentSize,
		inputSize: {
			width: padded(contentSize.width, padTo?.width),
			height: padded(contentSize.height, padTo?.height),
		},
		fill: 0,
		resampling: resamplingOf(processor, displaySize, contentSize),
	};
}

/**
 * What of ffmpeg comes nearest to the processor's filter. ffmpeg antialiases wherever a picture shrinks, and is within a fifth of
 * a level of 255 on average of the same filter of a processor that does so, too. Of one that interpolates between neighbours,
 * bilinear pixels are the same where the picture grows; where both sides shrink, bicubic ones come nearest.
 */
function resamplingOf({ resize, antialias }: Processor, from: Size, to: Size): Resampling {
	switch (resize?.filter ?? 'bilinear') {
		case 'nearest':
			return 'nearest';
		case 'lanczos':
			return 'fine-lanczos';
		case 'bicubic':
			return 'fine-bicubic';
		case 'bilinear': {
			const shrinks = to.width < from.width && to.height < from.height;
			return shrinks && !antialias ? 'fine-bicubic' : 'fine-bilinear';
		}
	}
}

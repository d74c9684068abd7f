import { describe, expect, it } from 'vitest';
import { letterboxFor, PROCESSOR_KINDS, processPicture, readProcessor, resizedSize } from './processor.ts';

const read = (json: object, kind: keyof typeof PROCESSOR_KINDS = 'detr') =>
	readProcessor(json, 'preprocessor_config.json', PROCESSOR_KINDS[kind]);
const size = (width: number, height: number) => ({ width, height });
const SIDES = { shortest_edge: 800, longest_edge: 1333 };

describe('the size that a picture is resized to', () => {
	// Sizes are those of transformers 5.23 for the same files.
	it.each([
		['the shorter side as asked', { size: SIDES }, size(640, 480), size(1066, 800)],
		['limited by the longer one', { size: SIDES }, size(1920, 1080), size(1333, 750)],
		['of files that state one number', { size: 800, max_size: 1000 }, size(1920, 1080), size(1000, 562)],
		['without a file', {}, size(640, 480), size(1066, 800)],
		[
			'half a pixel to the even side',
			{ size: { shortest_edge: 100, longest_edge: 101 } },
			size(404, 202),
			size(101, 50),
		],
		['stretched', { size: { height: 576, width: 560 } }, size(640, 480), size(560, 576)],
		['as large as fits', { size: { max_height: 300, max_width: 300 } }, size(640, 480), size(300, 225)],
		['none', { do_resize: false }, size(641, 480), size(641, 480)],
	])('%s', (_, json, from, to) => {
		expect(resizedSize(read(json), from)).toEqual(to);
	});

	it.each([
		['cut to multiples of 16', size(1920, 1080), size(1328, 736)],
		['upright', size(480, 640), size(800, 1056)],
	])('of YOLOS: %s', (_, from, to) => {
		expect(resizedSize(read({ size: SIDES }, 'yolos'), from)).toEqual(to);
	});
});

describe('the pixels of a picture', () => {
	const picture = { data: Uint8Array.of(0, 10, 255, 100, 110, 120), size: size(2, 1) };

	it.each([
		[
			'rescaled and normalised',
			{ image_mean: [0, 0.5, 1], image_std: [1, 0.5, 2] },
			[0, 100 / 255, 20 / 255 - 1, 220 / 255 - 1, 0, (120 / 255 - 1) / 2],
		],
		['only rescaled', { do_normalize: false, rescale_factor: 0.5 }, [0, 50, 5, 55, 127.5, 60]],
		['as they are', { do_normalize: false, do_rescale: false }, [0, 100, 10, 110, 255, 120]],
	])('%s', (_, json, expected) => {
		const { data } = processPicture(read({ do_resize: false, ...json }), picture);
		expected.forEach((value, i) => expect(data[i]).toBeCloseTo(value, 5));
	});

	it('are rounded to bytes where resizing is antialiased, and not where it is not', () => {
		const json = { size: { height: 1, width: 3 }, do_normalize: false, do_rescale: false };
		expect(processPicture(read(json), picture).data[1]).toBe(50);
		const uneven = { ...picture, data: Uint8Array.of(0, 0, 0, 101, 0, 0) };
		expect(processPicture(read(json), uneven).data[1]).toBe(51);
		expect(processPicture(read(json, 'rf-detr'), uneven).data[1]).toBe(50.5);
	});
});

describe('a video’s letterbox', () => {
	it.each([
		['is the processor’s size', 2000, 16, { contentSize: size(1328, 736), inputSize: size(1328, 736) }],
		[
			'keeps to the longest side asked for',
			770,
			16,
			{ contentSize: size(768, 416), inputSize: size(768, 416) },
		],
	])('%s', (_, maxSide, multiple, expected) => {
		const letterbox = letterboxFor(read({ size: SIDES }, 'yolos'), size(1920, 1080), maxSide, multiple);
		expect(letterbox).toMatchObject(expected);
		const long = Math.max(letterbox.contentSize.width, letterbox.contentSize.height);
		expect(letterboxFor(read({ size: SIDES }, 'yolos'), size(1920, 1080), long, multiple)).toEqual(letterbox);
	});

	it('is padded as the processor pads', () => {
		const processor = read({ size: SIDES, pad_size: { height: 1344, width: 1344 } });
		const { contentSize, inputSize } = letterboxFor(processor, size(640, 480), 2000, 32);
		expect({ contentSize, inputSize }).toEqual({ contentSize: size(1056, 800), inputSize: size(1344, 1344) });
	});

	it('is padded no further than to the longest side asked for', () => {
		const processor = read({ size: { height: 480, width: 480 }, pad_size: 10000 });
		const letterbox = letterboxFor(processor, size(640, 480), 770, 16);
		expect(letterbox).toMatchObject({ contentSize: size(480, 480), inputSize: size(768, 768) });
		expect(letterboxFor(processor, size(640, 480), 768, 16)).toEqual(letterbox);
	});
});

describe('a video’s frames are scaled by the filter of the processor', () => {
	it.each([
		['bilinear, antialiased', 'detr', 2, size(640, 640), 'fine-bilinear'],
		['bilinear between neighbours, enlarging', 'rf-detr', 2, size(1280, 1280), 'fine-bilinear'],
		['bilinear between neighbours, enlarging one side', 'rf-detr', 2, size(560, 560), 'fine-bilinear'],
		['bilinear between neighbours, shrinking', 'rf-detr', 2, size(320, 320), 'fine-bicubic'],
		['bicubic', 'detr', 3, size(560, 560), 'fine-bicubic'],
		['lanczos', 'detr', 1, size(560, 560), 'fine-lanczos'],
		['nearest', 'detr', 0, size(560, 560), 'nearest'],
	] as const)('%s', (_, kind, resample, to, expected) => {
		const processor = read({ size: to, resample }, kind);
		expect(letterboxFor(processor, size(640, 480), 2000, 16).resampling).toBe(expected);
	});
});

it.each([
	[{ size: { longest_edge: 1333 } }, 'size'],
	[{ image_mean: [0.5, 0.5] }, 'image_mean'],
	[{ image_std: [0.2, 0, 0.2] }, 'image_std.1'],
	[{ image_std: 0 }, 'image_std'],
	[{ do_center_crop: true, crop_size: 224 }, 'do_center_crop'],
	[{ image_processor_type: 'CLIPImageProcessor' }, 'image_processor_type'],
	[{ feature_extractor_type: 'ViTFeatureExtractor' }, 'feature_extractor_type'],
	[{ resample: 5 }, 'resample'],
	[{ pad_size: 100000 }, 'pad_size'],
])('%j is refused in one sentence', (json, field) => {
	expect(() => read(json)).toThrow(`preprocessor_config.json: ${field} is not`);
});

it.each([
	{ image_processor_type: 'DetrImageProcessor' },
	{ image_processor_type: 'RfDetrImageProcessorFast' },
	{ feature_extractor_type: 'YolosFeatureExtractor', image_processor_type: null },
	{ do_center_crop: false, crop_size: null },
])('%j changes nothing', (json) => {
	expect(read(json)).toEqual(read({}));
});

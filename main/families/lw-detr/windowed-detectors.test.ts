import { describe, expect, it } from 'vitest';
import type { QueryAnswers } from '../../boxes/ranked-queries.ts';
import { interpolate } from '../../pixels/resize.ts';
import { syntheticFrame } from '../../pixels/synthetic-frame.fixture.ts';
import type { WeightTensor } from '../../weights/safetensors.ts';
import { openDetector, step } from '../detector.fixture.ts';
import { type FolderFiles, folderOfCase, frameOf, referenceOf } from '../hugging-face/case.fixture.ts';
import { MODEL_FAMILIES, openSource } from '../index.ts';

// Folders of LW-DETR and RF-DETR as the parity cases have them, opened and run as the product does it.
const open = async (name: string, change?: (files: FolderFiles) => void) =>
	openSource(await folderOfCase(name, change), MODEL_FAMILIES);

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
	expect(a.length).toBe(b.length);
	return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

describe.each([
	['lw-detr', 'LW-DETR'],
	['rf-detr', 'RF-DETR'],
])('a folder of %s', (name, title) => {
	it('opens with its own names, in the modes of a vision transformer', async () => {
		const model = await open(name);
		expect(model).toMatchObject({ id: name, family: name, name: title });
		expect(model.displayThresholds).toEqual(model.classes.map(() => 0.5));
		expect(model.classes).toEqual(Array.from({ length: 6 }, (_, label) => `class${label}`));
		expect(model.modes).toEqual(['dense', 'token-cache', 'tiles', 'eventful', 'motion']);
	});

	it('answers for a frame as the package does for its picture', async () => {
		const { picture, logits, boxes } = await referenceOf(name);
		const detector = await openDetector<QueryAnswers>(await open(name), { displaySize: picture.size });
		const { contentSize, inputSize } = detector.letterbox;
		expect(contentSize).toEqual(inputSize);
		const frame = frameOf(picture, detector.letterbox);
		if (name === 'rf-detr') {
			const unrounded = { ...picture, data: Float32Array.from(picture.data) };
			frame.pixels.set(interpolate(unrounded, contentSize, 'bilinear').data.map(Math.round));
		}
		const { output, macs } = await step(detector, frame);
		// The reference's pixels were rounded to 11 bits, ours to 8.
		expect(largestDifference(output.logits, logits)).toBeLessThan(0.05);
		expect(largestDifference(output.boxes, boxes)).toBeLessThan(0.02);
		expect(macs).toBe(detector.denseMacs);
		await detector.release();
	});

	it('is shown frames of any shape as its square, and finds boxes in displayed pixels', async () => {
		const displaySize = { width: 250, height: 100 };
		const detector = await openDetector<QueryAnswers>(await open(name), { displaySize });
		const { output, detections } = await step(detector, syntheticFrame(detector.grid, { seed: 1 }));
		expect(detections.count).toBeGreaterThan(0);
		const [x, y, width, height] = output.boxes.subarray(0, 4) as unknown as number[];
		const sides = [x! - width! / 2, y! - height! / 2, x! + width! / 2, y! + height! / 2];
		const shown = sides.map((share, i) => {
			const length = i % 2 ? displaySize.height : displaySize.width;
			return Math.min(length, Math.max(0, share * length));
		});
		const boxes = Array.from({ length: detections.count }, (_, i) => detections.box(i));
		expect(boxes.some((box) => box.every((side, i) => Math.abs(side - shown[i]!) < 1e-3))).toBe(true);
		await detector.release();
	});

	it('has as many queries as pixels where frames are small', async () => {
		const many = (files: FolderFiles) => {
			const rows = 40;
			Object.assign(files.config, { num_queries: rows, group_detr: 1 });
			for (const [tensor, { data, shape }] of files.weights) {
				if (!/(query_feat|refpoint_embed|reference_point_embed)\.weight$/.test(tensor)) continue;
				const repeated = Float32Array.from({ length: rows * shape[1]! }, (_, i) => data[i % data.length]!);
				files.weights.set(tensor, { data: repeated, shape: [rows, shape[1]!] });
			}
		};
		const detector = await openDetector<QueryAnswers>(await open(name, many), {
			displaySize: { width: 64, height: 64 },
			maxSide: 16,
		});
		const { output } = await step(detector, syntheticFrame(detector.grid, { seed: 1 }));
		const pixels = name === 'lw-detr' ? 4 * 4 + 1 : 4 * 4;
		expect(output.boxes.length).toBe(4 * Math.min(40, pixels));
		await detector.release();
	});
});

describe('says what is wrong with a folder', () => {
	const small: WeightTensor = { data: new Float32Array(2), shape: [2] };
	const configure = (fields: object) => (files: FolderFiles) => void Object.assign(files.config, fields);
	const configureBackbone = (fields: object) => (files: FolderFiles) =>
		void Object.assign(files.config['backbone_config'] as object, fields);

	it.each<[string, string, (files: FolderFiles) => void, RegExp]>([
		[
			'a missing tensor',
			'lw-detr',
			({ weights }) => weights.delete('model.decoder.layers.1.mlp.fc1.bias'),
			/model\.safetensors is not a LW-DETR as config\.json describes it: it lacks model\.decoder\.layers\.1\.mlp\.fc1\.bias \[20\]\.$/,
		],
		[
			'a missing tensor, by the name in the file',
			'rf-detr',
			({ weights }) => weights.delete('transformer.decoder.layers.1.self_attn.in_proj_weight'),
			/it lacks transformer\.decoder\.layers\.1\.self_attn\.in_proj_weight \[48, 16\]\.$/,
		],
		[
			'a missing tensor of the transformer',
			'rf-detr',
			({ weights }) =>
				weights.delete('backbone.0.encoder.encoder.encoder.layer.2.attention.attention.key.bias'),
			/it lacks backbone\.0\.encoder\.encoder\.encoder\.layer\.2\.attention\.attention\.key\.bias \[24\]\.$/,
		],
		[
			'a misshapen tensor',
			'rf-detr',
			({ weights }) => weights.set('bbox_embed.layers.2.bias', small),
			/it has in another shape bbox_embed\.layers\.2\.bias, which should be \[4\] and is \[2\]\.$/,
		],
		[
			'tensors of another network',
			'rf-detr',
			({ weights }) => weights.set('segmentation_head.bias', small),
			/it has besides segmentation_head\.bias\.$/,
		],
		[
			'another number of queries than the weights have',
			'lw-detr',
			configure({ num_queries: 8 }),
			/it has in another shape .*model\.reference_point_embed\.weight, which should be \[16, 4\] and is \[14, 4\]/,
		],
		[
			'another number of blocks than the weights have',
			'lw-detr',
			configureBackbone({ num_hidden_layers: 5 }),
			/it lacks model\.backbone\.backbone\.encoder\.layer\.4\.layernorm_before\.weight \[24\], .* and \d+ more\.$/,
		],
		[
			'labels without names',
			'rf-detr',
			configure({ id2label: { 0: 'cat', 2: 'dog' } }),
			/config\.json: id2label should name the labels 0 to 1 and has no 1\.$/,
		],
		[
			'fewer names than labels',
			'lw-detr',
			configure({ id2label: { 0: 'cat', 1: 'dog' } }),
			/config\.json names 2 labels \(id2label\), and the weights score 6 \(class_embed\.bias\)\.$/,
		],
		[
			'a model for something else',
			'rf-detr',
			configure({ architectures: ['RfDetrForInstanceSegmentation'] }),
			/architectures is not as RF-DETR needs it \(must be for object detection, got RfDetrForInstanceSegmentation\)\.$/,
		],
		[
			'stages that the transformer does not have',
			'rf-detr',
			configureBackbone({ out_indices: [1, 9], out_features: null }),
			/backbone_config\.out_indices is not as RF-DETR needs it \(must name stages from 0 to 4 in their order \(got 1, 9\)\)\.$/,
		],
		[
			'two lists of stages that differ',
			'lw-detr',
			configureBackbone({ out_features: ['stage1', 'stage4'] }),
			/backbone_config\.out_features is not as LW-DETR needs it \(must be the stages of out_indices/,
		],
		[
			'windows that make no square',
			'lw-detr',
			configureBackbone({ num_windows: 6 }),
			/backbone_config\.num_windows is not as LW-DETR needs it \(must be a square number, got 6\)\.$/,
		],
		[
			'a width that its heads do not share',
			'lw-detr',
			configure({ decoder_cross_attention_heads: 3 }),
			/d_model is not as LW-DETR needs it \(must be a multiple of 3 heads \(got 16\)\)\.$/,
		],
		[
			'a scale that it does not have',
			'lw-detr',
			configure({ projector_scale_factors: [4] }),
			/projector_scale_factors\.0 is not as LW-DETR needs it/,
		],
		[
			'a transformer of another kind',
			'rf-detr',
			configureBackbone({ model_type: 'dinov2' }),
			/backbone_config\.model_type is not as RF-DETR needs it/,
		],
	])('%s (%s)', async (_, name, change, message) => {
		await expect(open(name, change)).rejects.toThrow(message);
	});
});

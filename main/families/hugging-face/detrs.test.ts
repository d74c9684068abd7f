import { describe, expect, it } from 'vitest';
import type { QueryAnswers } from '../../boxes/ranked-queries.ts';
import { syntheticFrame } from '../../pixels/synthetic-frame.fixture.ts';
import type { WeightTensor } from '../../weights/safetensors.ts';
import { openDetector, step } from '../detector.fixture.ts';
import { MODEL_FAMILIES, openSource } from '../index.ts';
import { type FolderFiles, folderOfCase, frameOf, referenceOf } from './case.fixture.ts';

// Folders of the DETRs as the parity cases have them, opened and run as the product does it.
const open = async (name: string, change?: (files: FolderFiles) => void) =>
	openSource(await folderOfCase(name, change), MODEL_FAMILIES);

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
	expect(a.length).toBe(b.length);
	return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

describe.each([
	['detr', 'DETR', 0.5],
	['conditional-detr', 'Conditional DETR', 0.3],
	['deformable-detr', 'Deformable DETR, ResNet', 0.3],
	['deformable-detr-two-stage', 'Deformable DETR, ResNet', 0.3],
])('a folder of %s', (name, title, displayThreshold) => {
	it('opens with its own names, in the modes that any network runs in', async () => {
		const model = await open(name);
		expect(model).toMatchObject({ id: name, name: title, modes: ['dense', 'tiles', 'motion'] });
		expect(model.displayThresholds).toEqual(Array.from({ length: 12 }, () => displayThreshold));
		expect(model.classes).toEqual(Array.from({ length: 12 }, (_, label) => `class${label}`));
		expect(model.refusals).toMatchObject({ sparse: /no scorer/, enact: /no weights to cluster/ });
		await expect(
			openDetector(model, { displaySize: { width: 64, height: 64 }, mode: 'enact' }),
		).rejects.toThrow(
			/Mode enact does not work with this model: .*DETR.* has no weights to cluster keys and values by/,
		);
	});

	it('answers for a frame as the package does for its picture', async () => {
		const { picture, logits, boxes } = await referenceOf(name);
		const detector = await openDetector<QueryAnswers>(await open(name), { displaySize: picture.size });
		const { output, macs } = await step(detector, frameOf(picture, detector.letterbox));
		// The reference's pixels were rounded to 11 bits.
		expect(largestDifference(output.logits, logits)).toBeLessThan(0.02);
		expect(largestDifference(output.boxes, boxes)).toBeLessThan(0.005);
		expect(macs).toBe(detector.denseMacs);
		await detector.release();
	});

	it('finds boxes in displayed pixels, and skips still frames in mode motion', async () => {
		const displaySize = { width: 250, height: 150 };
		const detector = await openDetector<QueryAnswers>(await open(name), { displaySize, mode: 'motion' });
		const first = await step(detector, syntheticFrame(detector.grid, { seed: 1 }));
		expect(first.detections.count).toBeGreaterThan(0);
		for (let i = 0; i < first.detections.count; i++) {
			const [left, top, right, bottom] = first.detections.box(i);
			expect(left >= 0 && left <= right && right <= displaySize.width).toBe(true);
			expect(top >= 0 && top <= bottom && bottom <= displaySize.height).toBe(true);
		}
		expect(await step(detector, syntheticFrame(detector.grid, { seed: 1 }))).toMatchObject({
			kind: 'skipped',
			macs: 0,
		});
		await detector.release();
	});
});

describe('what a processor pads pictures to', () => {
	it.each(['detr', 'deformable-detr'])('is seen by %s', async (name) => {
		const { picture } = await referenceOf(name);
		const padded = await folderOfCase(name);
		const processor = (await padded.json('preprocessor_config.json')) as object;
		padded.json = () => Promise.resolve({ ...processor, pad_size: { height: 100, width: 100 } });
		const answers = [];
		for (const source of [await folderOfCase(name), padded]) {
			const detector = await openDetector<QueryAnswers>(await openSource(source, MODEL_FAMILIES), {
				displaySize: picture.size,
			});
			answers.push((await step(detector, frameOf(picture, detector.letterbox))).output.logits);
			await detector.release();
		}
		expect(largestDifference(answers[0]!, answers[1]!)).toBeGreaterThan(1e-3);
	});
});

describe('tensors by other names', () => {
	const rename = (pattern: RegExp, to: string) =>
		(({ weights }) => {
			for (const [name, tensor] of [...weights]) {
				weights.delete(name);
				weights.set(name.replace(pattern, to), tensor);
			}
		}) satisfies (files: FolderFiles) => void;

	it.each<[string, string, RegExp, string]>([
		['a newer release', 'detr', /\.(fc\d)\./, '.mlp.$1.'],
		['a newer release', 'detr', /\.out_proj\./, '.o_proj.'],
		['a newer release', 'detr', /\.conv_encoder\.model\./, '.model.'],
		['a newer release', 'conditional-detr', /\.sa_([qk])(content|pos)_proj\./, '.self_attn.$1_$2_proj.'],
		['a newer release', 'conditional-detr', /\.sa_v_proj\./, '.self_attn.v_proj.'],
		[
			'a newer release',
			'conditional-detr',
			/\.ca_([qk])(content|pos|pos_sine)_proj\./,
			'.encoder_attn.$1_$2_proj.',
		],
		['a newer release', 'conditional-detr', /\.ca_v_proj\./, '.encoder_attn.v_proj.'],
		['a newer release', 'deformable-detr', /\.self_attn\.out_proj\./, '.self_attn.o_proj.'],
		['the other of two copies', 'deformable-detr-two-stage', /^model\.decoder\.(\w+_embed)\./, '$1.'],
		['another layer of shared heads', 'deformable-detr', /^(\w+_embed)\.0\./, '$1.1.'],
	])('of %s open: %s, %s', async (_, name, pattern, to) => {
		const displaySize = { width: 64, height: 64 };
		const answers = [];
		for (const change of [undefined, rename(pattern, to)]) {
			const detector = await openDetector<QueryAnswers>(await open(name, change), { displaySize });
			answers.push((await step(detector, syntheticFrame(detector.grid, { seed: 1 }))).output);
			await detector.release();
		}
		expect(answers[0]).toEqual(answers[1]);
	});
});

describe('says what is wrong with a folder', () => {
	const small: WeightTensor = { data: new Float32Array(2), shape: [2] };
	const configure = (fields: object) => (files: FolderFiles) => void Object.assign(files.config, fields);

	it.each<[string, string, (files: FolderFiles) => void, RegExp]>([
		[
			'a missing tensor',
			'detr',
			({ weights }) => weights.delete('model.decoder.layers.1.self_attn.k_proj.bias'),
			/model\.safetensors is not a DETR as config\.json describes it: it lacks model\.decoder\.layers\.1\.self_attn\.k_proj\.bias \[32\]\.$/,
		],
		[
			'a missing head',
			'deformable-detr',
			({ weights }) => weights.delete('class_embed.0.weight'),
			/it lacks class_embed\.0\.weight \[12, 32\]\.$/,
		],
		[
			'a misshapen tensor',
			'conditional-detr',
			({ weights }) => weights.set('bbox_predictor.layers.2.bias', small),
			/it has in another shape bbox_predictor\.layers\.2\.bias, which should be \[4\] and is \[2\]\.$/,
		],
		[
			'tensors of another network',
			'detr',
			({ weights }) => weights.set('mask_head.lay1.weight', small),
			/it has besides mask_head\.lay1\.weight\.$/,
		],
		[
			'more layers than the weights have',
			'detr',
			configure({ encoder_layers: 3 }),
			/it lacks model\.encoder\.layers\.2\.self_attn\.q_proj\.weight \[32, 32\], .* and 13 more\.$/,
		],
		[
			'labels without names',
			'detr',
			configure({ id2label: { 0: 'cat', 2: 'dog' } }),
			/config\.json: id2label should name the labels 0 to 1 and has no 1\.$/,
		],
		[
			'fewer names than labels',
			'detr',
			configure({ id2label: { 0: 'cat', 1: 'dog' } }),
			/config\.json names 2 labels \(id2label\), and the weights score 12 \(class_labels_classifier\.bias\)\.$/,
		],
		[
			'a width that its heads do not share',
			'detr',
			configure({ d_model: 30 }),
			/config\.json: d_model must be a multiple of the heads of encoder and decoder and of 4 \(got 30 with 4 and 4 heads\)\.$/,
		],
		[
			'a width that is no number',
			'detr',
			configure({ d_model: 'wide' }),
			/config\.json: d_model is not as a DETR needs it/,
		],
		[
			'a model for something else',
			'detr',
			configure({ architectures: ['DetrForSegmentation'] }),
			/architectures is not as a DETR needs it \(must be for object detection, got DetrForSegmentation\)\.$/,
		],
		[
			'an unknown activation',
			'detr',
			configure({ activation_function: 'prelu' }),
			/config\.json: activation_function is not as a DETR needs it/,
		],
		[
			'a backbone of another kind',
			'detr',
			configure({ backbone_config: { model_type: 'swin' } }),
			/the backbone must be a ResNet, .*; got backbone_config\.model_type "swin"\.$/,
		],
		[
			"another of timm's backbones",
			'detr',
			configure({ backbone_config: null, use_timm_backbone: true, backbone: 'vgg16' }),
			/the backbone must be a ResNet, .*; got backbone "vgg16"\.$/,
		],
		[
			'maps that the backbone does not have',
			'detr',
			configure({ backbone_config: { model_type: 'resnet', out_features: ['stage5'] } }),
			/backbone_config\.out_features must be some of stem, stage1, stage2, stage3, stage4 in this order \(got stage5\)\.$/,
		],
		[
			'fewer levels than maps',
			'deformable-detr',
			configure({ num_feature_levels: 2 }),
			/num_feature_levels must be at least the number of maps that the backbone gives \(got 2 and 3\)\.$/,
		],
		[
			'two stages without refinement',
			'deformable-detr-two-stage',
			configure({ with_box_refine: false }),
			/a two_stage model must have with_box_refine as well\.$/,
		],
		[
			'heads that it says are not shared',
			'deformable-detr',
			configure({ tie_word_embeddings: false }),
			/it lacks bbox_embed\.1\.layers\.0\.weight \[32, 32\], .* and 5 more\.$/,
		],
	])('%s (%s)', async (_, name, change, message) => {
		await expect(open(name, change)).rejects.toThrow(message);
	});
});

import { describe, expect, it } from 'vitest';
import type { QueryAnswers } from '../../boxes/ranked-queries.ts';
import { syntheticFrame } from '../../pixels/synthetic-frame.fixture.ts';
import type { WeightTensor } from '../../weights/safetensors.ts';
import { openDetector, step } from '../detector.fixture.ts';
import { type FolderFiles, folderOfCase, frameOf, referenceOf } from '../hugging-face/case.fixture.ts';
import { MODEL_FAMILIES, openSource } from '../index.ts';

// Folders of YOLOS as the parity cases have them, opened and run as the product does it.
const open = async (name: string, change?: (files: FolderFiles) => void) =>
	openSource(await folderOfCase(name, change), MODEL_FAMILIES);

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
	expect(a.length).toBe(b.length);
	return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

describe.each(['yolos', 'yolos-mid'])('a folder of %s', (name) => {
	it('opens with its own names', async () => {
		const model = await open(name);
		expect(model).toMatchObject({ id: name, family: 'yolos', name: 'YOLOS of width 24' });
		expect(model.classes).toEqual(['class0', 'class1', 'class2', 'class3', 'class4']);
		expect(model.modes).toEqual(expect.arrayContaining(['dense', 'eventful', 'motion']));
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

	it('finds boxes in displayed pixels', async () => {
		const displaySize = { width: 250, height: 150 };
		const detector = await openDetector(await open(name), { displaySize });
		const { detections } = await step(detector, syntheticFrame(detector.grid, { seed: 1 }));
		expect(detections.count).toBe(6);
		for (let i = 0; i < detections.count; i++) {
			const [left, top, right, bottom] = detections.box(i);
			expect(left >= 0 && left <= right && right <= displaySize.width).toBe(true);
			expect(top >= 0 && top <= bottom && bottom <= displaySize.height).toBe(true);
		}
		await detector.release();
	});
});

it('takes the table of positions between blocks by the name that newer releases have for it', async () => {
	const displaySize = { width: 64, height: 64 };
	const answers = [];
	for (const change of [
		undefined,
		({ weights }: FolderFiles) => {
			const table = weights.get('vit.encoder.mid_position_embeddings')!;
			weights.delete('vit.encoder.mid_position_embeddings');
			weights.set('vit.encoder.interpolation.mid_position_embeddings', table);
		},
	]) {
		const detector = await openDetector<QueryAnswers>(await open('yolos-mid', change), { displaySize });
		answers.push((await step(detector, syntheticFrame(detector.grid, { seed: 1 }))).output);
		await detector.release();
	}
	expect(answers[0]).toEqual(answers[1]);
});

describe('says what is wrong with a folder', () => {
	const small: WeightTensor = { data: new Float32Array(2), shape: [2] };
	const configure = (fields: object) => (files: FolderFiles) => void Object.assign(files.config, fields);

	it.each<[string, (files: FolderFiles) => void, RegExp]>([
		[
			'a missing tensor',
			({ weights }) => weights.delete('vit.encoder.layer.1.output.dense.bias'),
			/model\.safetensors is not a YOLOS of 3 blocks: it lacks vit\.encoder\.layer\.1\.output\.dense\.bias \[24\]\.$/,
		],
		[
			'a misshapen tensor',
			({ weights }) => weights.set('vit.layernorm.bias', small),
			/it has in another shape vit\.layernorm\.bias, which should be \[24\] and is \[2\]\.$/,
		],
		[
			'positions that its configuration does without',
			configure({ use_mid_position_embeddings: false }),
			/it has besides vit\.encoder\.mid_position_embeddings\.$/,
		],
		[
			'another number of detection tokens',
			configure({ num_detection_tokens: 7 }),
			/vit\.embeddings\.detection_tokens, which should be \[1, 7, 24\] and is \[1, 6, 24\]/,
		],
		[
			'fewer names than labels',
			configure({ id2label: { 0: 'cat' } }),
			/config\.json names 1 labels \(id2label\), and the weights score 5 /,
		],
		[
			'another number of labels than names',
			configure({ num_labels: 9 }),
			/config\.json: num_labels should be the number of names in id2label, 5 \(got 9\)\.$/,
		],
		[
			'a network that finds no objects',
			configure({ architectures: ['YolosModel'] }),
			/config\.json: architectures is not as YOLOS needs it \(must be for object detection, got YolosModel\)\.$/,
		],
		[
			'a width that its heads do not share',
			configure({ num_attention_heads: 5 }),
			/config\.json: hidden_size must be a multiple of num_attention_heads \(got 24 and 5\)\.$/,
		],
		[
			'patches that are not square',
			configure({ patch_size: [8, 16] }),
			/config\.json: patch_size is not as YOLOS needs it/,
		],
		[
			'pictures in grey',
			configure({ num_channels: 1 }),
			/config\.json: num_channels is not as YOLOS needs it/,
		],
	])('%s', async (_, change, message) => {
		await expect(open('yolos-mid', change)).rejects.toThrow(message);
	});
});

import { beforeAll, describe, expect, it } from 'vitest';
import { checkpointOfCase } from '../../weights/parity-case.fixture.ts';
import type { Weights, WeightTensor } from '../../weights/safetensors.ts';
import type { Detector } from '../../detector/detector.ts';
import type { OpenedModel } from '../family.ts';
import { openDetector, step as stepFrame } from '../detector.fixture.ts';
import { ModelSource } from '../source.ts';
import { MODEL_FAMILIES, openSource } from '../index.ts';
import { syntheticFrame } from '../../pixels/synthetic-frame.fixture.ts';
import { shvitFamily } from './index.ts';

// Small weights with the published names.
const tensorsOf = async (name: string) => (await checkpointOfCase(`shvit/${name}`)).weights;
const DISPLAY = { width: 300, height: 180 };

let retina: Weights;
let classifier: Weights;
let maskRcnn: Weights;

beforeAll(async () => {
	retina = await tensorsOf('retinanet');
	classifier = await tensorsOf('classifier');
	maskRcnn = maskRcnnOver(await tensorsOf('downstream_fpn'));
});

const openFile = (weights: Weights, options: Record<string, unknown> | null = null) =>
	shvitFamily.open(ModelSource.inMemory({ path: 'f.pth', sha256: '', weights, options }));
const bind = (model: OpenedModel, mode = 'dense') =>
	openDetector(model, { displaySize: DISPLAY, mode, maxSide: 150, scoreThreshold: 0.05 });

const step = (detector: Detector, seed: number) =>
	stepFrame(detector, syntheticFrame(detector.grid, { seed }));

describe('a published file', () => {
	it('is opened by the names in it', async () => {
		const checkpoint = await checkpointOfCase('shvit/retinanet');
		const model = await openSource(ModelSource.inMemory(checkpoint), MODEL_FAMILIES);
		expect(model).toMatchObject({ name: 'RetinaNet SHViT', modes: ['dense', 'tiles', 'motion'] });
		expect(model.classes).toEqual(['class 0', 'class 1', 'class 2', 'class 3', 'class 4']);
	});

	it('brings the names of its classes where mmdetection wrote it', async () => {
		const names = ['cat', 'dog', 'cow', 'fox', 'bat'];
		expect((await openFile(retina, { meta: { CLASSES: names } })).classes).toEqual(names);
	});

	it('says that a classifier cannot analyse a video', async () => {
		await expect(openFile(classifier)).rejects.toThrow(
			/f\.pth is SHViT, a classifier of 11 classes: .* cannot analyse a video\./,
		);
	});

	it('may hold its 1×1 kernels as matrices', async () => {
		const flat = mapTensors(retina, (name, tensor) =>
			name.startsWith('backbone.') && String(tensor.shape.slice(2)) === '1,1'
				? { ...tensor, shape: tensor.shape.slice(0, 2) }
				: tensor,
		);
		expect([...flat.values()].some(({ shape }) => shape.length === 2)).toBe(true);
		expect(await openFile(flat)).toMatchObject({ name: 'RetinaNet SHViT' });
	});

	const without = (name: string) => new Map([...retina].filter(([other]) => other !== name));
	const withTensor = (name: string, shape: number[]) => new Map([...retina, [name, zeros(shape)]]);
	it.each([
		[
			'lacks a tensor',
			() => without('backbone.blocks2.3.ffn.m.pw1.bn.weight'),
			/f\.pth is not a checkpoint of RetinaNet SHViT: it lacks backbone\.blocks2\.3\.ffn\.m\.pw1\.bn\.weight \[40\]\./,
		],
		[
			'lacks a tensor that a size is told by',
			() => without('backbone.blocks3.1.conv3.c.weight'),
			/no tensor backbone\.blocks3\.1\.conv3\.c\.weight/,
		],
		[
			'has a tensor of another shape',
			() => withTensor('bbox_head.retina_reg.bias', [35]),
			/retina_reg\.bias, which should be \[36\] and is \[35\]/,
		],
		['has a tensor too many', () => withTensor('neck.lateral_convs.9.conv.bias', [2]), /lateral_convs\.9/],
	])('is refused where it %s', async (_, make, message) => {
		await expect(openFile(make())).rejects.toThrow(message);
	});
});

describe.each([
	['RetinaNet', () => retina],
	['Mask R-CNN', () => maskRcnn],
])('%s', (_, weights) => {
	it('gives boxes within the displayed picture, best first', async () => {
		const detector = await bind(await openFile(weights()));
		expect(detector.letterbox.inputSize).toEqual({ width: 160, height: 96 });
		const { detections, macs } = await step(detector, 1);
		expect(detections.count).toBeGreaterThan(0);
		for (let i = 0; i < detections.count; i++) {
			const [left, top, right, bottom] = detections.box(i);
			expect(Math.min(left, top)).toBeGreaterThanOrEqual(0);
			expect(right).toBeGreaterThan(left);
			expect(bottom).toBeGreaterThan(top);
			expect(right).toBeLessThanOrEqual(DISPLAY.width);
			expect(bottom).toBeLessThanOrEqual(DISPLAY.height);
		}
		expect([...detections.scores]).toEqual([...detections.scores].sort((a, b) => b - a));
		expect(macs).toBeGreaterThan(0);
		expect(macs).toBeLessThanOrEqual(detector.denseMacs);
		await detector.release();
	});

	it('keeps its detections on still frames in mode motion, also after a restart', async () => {
		const model = await openFile(weights());
		const [detector, resumed] = [await bind(model, 'motion'), await bind(model, 'motion')];
		const first = await step(detector, 1);
		resumed.restoreState(await detector.saveState());
		for (const one of [detector, resumed]) {
			const still = await step(one, 1);
			expect(still.macs).toBe(0);
			expect(still.detections).toEqual(first.detections);
		}
		expect((await step(detector, 40)).macs).toBeGreaterThan(0);
		await detector.release();
		await resumed.release();
	});

	it('has no tokens to reuse', async () => {
		await expect(bind(await openFile(weights()), 'token-cache')).rejects.toThrow(/is no vision transformer/);
	});
});

it('pools boxes of Mask R-CNN from proposals, and proposals from anchors', async () => {
	// Heads that say the same everywhere: boxes are anchors, and scores are those of the biases.
	const saysNothing = mapTensors(maskRcnn, (name, tensor) =>
		/^(rpn_head\.rpn_(cls|reg)|roi_head\.bbox_head\.fc_(cls|reg))\.weight/.test(name)
			? zeros(tensor.shape)
			: tensor,
	);
	const biases: [string, number[]][] = [
		['rpn_head.rpn_cls.bias', [-9, 0, -9]],
		['rpn_head.rpn_reg.bias', Array(12).fill(0)],
		['roi_head.bbox_head.fc_cls.bias', [0, Math.log(2), Math.log(7)]],
		['roi_head.bbox_head.fc_reg.bias', Array(8).fill(0)],
	];
	const weights = new Map<string, WeightTensor>([
		...saysNothing,
		...biases.map(([name, bias]) => [name, { data: Float32Array.from(bias), shape: [bias.length] }] as const),
	]);
	const detector = await bind(await openFile(weights));
	const { detections } = await step(detector, 1);
	expect(detections.scores[0]).toBeCloseTo(0.2, 6);
	expect(detections.classIndices[0]).toBe(1);
	// A square of 8 strides around a point of the grid, in a picture of half the displayed size, clipped to it.
	for (let i = 0; i < detections.count; i++) {
		const [left, top, right, bottom] = detections.box(i).map((side) => side / 2) as [
			number,
			number,
			number,
			number,
		];
		const sides = [4, 8, 16, 32, 64].map((stride) => 8 * stride);
		const isClipped = left === 0 || top === 0 || right === 150 || bottom === 90;
		if (!isClipped) expect(sides).toContain(Math.round(right - left));
		if (!isClipped) expect(bottom - top).toBeCloseTo(right - left, 3);
	}
	expect(detections.count).toBeGreaterThan(10);
	await detector.release();
});

/** The case's backbone and neck with proposals and boxes of two classes behind them, from fixed numbers. */
function maskRcnnOver(weights: Weights): Weights {
	const known = [...weights].filter(([name]) => !name.startsWith('neck_retinanet.'));
	const renamed = known.map(([name, tensor]) => [name.replace('neck_maskrcnn.', 'neck.'), tensor] as const);
	const width = weights.get('neck_maskrcnn.lateral_convs.0.conv.weight')!.shape[0]!;
	const box = 'roi_head.bbox_head';
	const shapes: [string, number[]][] = [
		['rpn_head.rpn_conv.weight', [width, width, 3, 3]],
		['rpn_head.rpn_conv.bias', [width]],
		['rpn_head.rpn_cls.weight', [3, width, 1, 1]],
		['rpn_head.rpn_cls.bias', [3]],
		['rpn_head.rpn_reg.weight', [12, width, 1, 1]],
		['rpn_head.rpn_reg.bias', [12]],
		[`${box}.shared_fcs.0.weight`, [8, width * 49]],
		[`${box}.shared_fcs.0.bias`, [8]],
		[`${box}.fc_cls.weight`, [3, 8]],
		[`${box}.fc_cls.bias`, [3]],
		[`${box}.fc_reg.weight`, [8, 8]],
		[`${box}.fc_reg.bias`, [8]],
		['roi_head.mask_head.convs.0.conv.weight', [width, width, 3, 3]],
	];
	const made = shapes.map(([name, shape], which) => {
		const tensor = zeros(shape);
		tensor.data.forEach((_, i) => (tensor.data[i] = 0.05 * Math.sin(12.9898 * i + which)));
		return [name, tensor] as const;
	});
	return new Map([...renamed, ...made]);
}

function zeros(shape: readonly number[]): WeightTensor {
	return { data: new Float32Array(shape.reduce((size, dim) => size * dim, 1)), shape };
}

function mapTensors(weights: Weights, change: (name: string, tensor: WeightTensor) => WeightTensor): Weights {
	return new Map([...weights].map(([name, tensor]) => [name, change(name, tensor)]));
}

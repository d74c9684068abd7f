import { beforeAll, describe, expect, it } from 'vitest';
import type { SettingValues } from '../../domain/settings-table.ts';
import { checkpointOfCase } from '../../weights/parity-case.fixture.ts';
import type { Weights } from '../../weights/safetensors.ts';
import type { Detector, Model } from '../../detector/detector.ts';
import { openDetector, step as stepFrame } from '../detector.fixture.ts';
import { type FolderFiles, folderOfCase } from '../hugging-face/case.fixture.ts';
import { ModelSource } from '../source.ts';
import { MODEL_FAMILIES, openSource } from '../index.ts';
import { createRuntime } from '../../runtime/onnx-runtime.ts';
import { syntheticFrame } from '../../pixels/synthetic-frame.fixture.ts';
import { DetectionHeads, headGraphs, mostHeadMacs } from './heads.ts';
import { fitSquare, vitDet } from './index.ts';
import { toDisplay } from '../../boxes/candidates.ts';
import { pickDetections } from './interpret.ts';
import { auditTensors, readPublished } from './published.ts';

// Small files with the published names: two kinds of heads.
const checkpointOf = (name: string) => checkpointOfCase(`eventful/${name}`);
const DISPLAY = { width: 240, height: 180 };

let weights: Weights;
let model: Model;

beforeAll(async () => {
	const checkpoint = await checkpointOf('detector_base');
	weights = checkpoint.weights;
	model = await openSource(ModelSource.inMemory(checkpoint), MODEL_FAMILIES);
});

const open = (mode: string, settings: SettingValues = {}) =>
	openDetector(model, { displaySize: DISPLAY, mode, settings, maxSide: 120, scoreThreshold: 0.05 });

const step = (detector: Detector, seed: number) =>
	stepFrame(detector, syntheticFrame(detector.grid, { seed }));

describe('a published file', () => {
	it('is opened by the names in it, with the modes that its backbone can run in', () => {
		expect(model.name).toBe('ViTDet of width 24, 4 classes');
		expect(model.classes).toEqual(['class 1', 'class 2', 'class 3', 'class 4']);
		expect(model.modes).toEqual(expect.arrayContaining(['dense', 'motion']));
		expect(model.modes).toContain('token-cache');
		expect(model.modes).not.toContain('sparse');
	});

	it.each([
		['detector_base', false, 1, 7],
		['detector_cascade_base', true, 3, 5],
	])('tells its configuration by its shapes: %s', async (name, cascade, stages, pooled) => {
		const { weights, path } = await checkpointOf(name);
		const config = readPublished(weights, path);
		expect(config).toMatchObject({
			patch: 16,
			dim: 24,
			heads: 3,
			mlpRatio: 4,
			positionSize: { rows: 5, cols: 5 },
			pyramid: { channels: 16 },
			proposals: { convs: [16, 16] },
			boxes: { cascade, classAgnostic: cascade, pooled, convs: [16, 16], fullyConnected: [32] },
		});
		expect(config.boxes.stages.length).toBe(stages);
		expect(config.blocks.map(({ window }) => window)).toEqual([
			{ rows: 4, cols: 4 },
			null,
			{ rows: 4, cols: 4 },
		]);
		expect(config.blocks[1]!.relativeSize).toEqual({ rows: 4, cols: 6 });
	});

	const without = (name: string) => new Map([...weights].filter(([other]) => other !== name));
	const withTensor = (name: string, shape: number[]) =>
		new Map([...weights, [name, { data: new Float32Array(shape.reduce((a, b) => a * b, 1)), shape }]]);
	it.each([
		[
			'lacks a block’s tensor',
			() => without('backbone.blocks.1.mlp_2.bias'),
			/f\.pth is not a ViTDet of width 24, 4 classes \(3 blocks\): it lacks backbone\.blocks\.1\.mlp_2\.bias \[24\]\./,
		],
		[
			'lacks a tensor that its shape is told by',
			() => without('embedding.conv.weight'),
			/not a ViTDet: the tensor embedding\.conv\.weight should have 4 axes \(it has none\)/,
		],
		[
			'has a tensor of another shape',
			() => withTensor('roi_heads.box_head.fc1.bias', [33]),
			/fc1\.bias, which should be \[32\] and is \[33\]/,
		],
		['has a tensor too many', () => withTensor('pyramid.stages.4.0.weight', [2]), /pyramid\.stages\.4\.0/],
	])('is refused where it %s', async (_, make, message) => {
		const source = ModelSource.inMemory({ path: 'f.pth', sha256: '', weights: make(), options: null });
		await expect(vitDet.open(source)).rejects.toThrow(message);
	});

	it('tells the channels of its region convolutions, which each may have its own', async () => {
		const rpn = 'proposal_generator.rpn_head';
		const other = new Map(weights);
		const replace = (name: string, shape: number[]) => {
			const size = shape.reduce((a, b) => a * b, 1);
			other.set(`${rpn}.${name}.weight`, { data: new Float32Array(size).fill(0.01), shape });
			other.set(`${rpn}.${name}.bias`, { data: new Float32Array(shape[0]!), shape: [shape[0]!] });
		};
		replace('conv.conv0', [24, 16, 3, 3]);
		replace('conv.conv1', [12, 24, 3, 3]);
		replace('objectness_logits', [3, 12, 1, 1]);
		replace('anchor_deltas', [12, 12, 1, 1]);
		const config = readPublished(other, 'f.pth');
		expect(config.proposals.convs).toEqual([24, 12]);
		const { lookup } = auditTensors(other, 'f.pth', config);
		const heads = await DetectionHeads.load(config, { rows: 4, cols: 4 }, lookup, createRuntime(1));
		const { output } = await heads.run(new Float32Array(16 * 24));
		expect(output.probabilities.length).toBeGreaterThan(0);
		await heads.release();
	});

	it('may hold masks, which are left aside', () => {
		const withMasks = withTensor('roi_heads.mask_head.mask_fcn1.weight', [2, 2]);
		expect(() => auditTensors(withMasks, 'f.pth', readPublished(withMasks, 'f.pth')).finish()).not.toThrow();
	});
});

describe('a detector', () => {
	it('gives boxes within the displayed picture, best first', async () => {
		const detector = await open('dense');
		expect(detector.letterbox).toMatchObject({
			contentSize: { width: 120, height: 90 },
			inputSize: { width: 128, height: 128 },
		});
		const { detections, macs } = await step(detector, 1);
		expect(detections.count).toBeGreaterThan(0);
		for (let i = 0; i < detections.count; i++) {
			const [left, top, right, bottom] = detections.box(i);
			expect(left).toBeGreaterThanOrEqual(0);
			expect(top).toBeGreaterThanOrEqual(0);
			expect(right).toBeGreaterThan(left);
			expect(bottom).toBeGreaterThan(top);
			expect(right).toBeLessThanOrEqual(DISPLAY.width);
			expect(bottom).toBeLessThanOrEqual(DISPLAY.height);
		}
		expect([...detections.scores]).toEqual([...detections.scores].sort((a, b) => b - a));
		expect(macs).toBeLessThanOrEqual(detector.denseMacs);
		expect(macs).toBeGreaterThan(0.2 * detector.denseMacs);
		await detector.release();
	});

	it('keeps its detections on a frame for which the mode computes nothing, also after a restart', async () => {
		const [detector, resumed] = [await open('motion'), await open('motion')];
		const first = await step(detector, 1);
		resumed.restoreState(await detector.saveState());
		for (const one of [detector, resumed]) {
			const still = await step(one, 1);
			expect(still.macs).toBe(0);
			expect(still.detections).toEqual(first.detections);
		}
		detector.reset();
		expect((await step(detector, 1)).macs).toBe(first.macs);
		await detector.release();
		await resumed.release();
	});

	it('is refused a mode that needs what its backbone has not', async () => {
		await expect(open('sparse')).rejects.toThrow(/sparse does not work with this model/);
	});
});

describe('the heads', () => {
	const grid = { rows: 4, cols: 4 };
	it.each([
		['no proposal', 0],
		['a single one, so that most levels have none', 1],
	])('can do with %s', async (_, kept) => {
		const published = readPublished(weights, 'f.pth');
		const config = { ...published, proposals: { ...published.proposals, kept } };
		const lookup = auditTensors(weights, 'f.pth', config).lookup;
		const heads = await DetectionHeads.load(config, grid, lookup, createRuntime(1));
		const { output } = await heads.run(Float32Array.from({ length: 16 * 24 }, (_, i) => Math.sin(i)));
		expect(output.boxes.length).toBe(kept * 4 * 4);
		expect(output.probabilities.length).toBe(kept * 5);
		await heads.release();
	});

	it('count fewer operations for fewer proposals', async () => {
		const config = readPublished(weights, 'f.pth');
		const lookup = auditTensors(weights, 'f.pth', config).lookup;
		const heads = await DetectionHeads.load(config, grid, lookup, createRuntime(1));
		const { macs, output } = await heads.run(new Float32Array(16 * 24));
		const perProposal = 2 * 49 * 16 * 16 * 9 + 784 * 32 + 32 * 5 + 32 * 16;
		const absent = config.proposals.kept - output.probabilities.length / 5;
		expect(absent).toBeGreaterThan(0);
		expect(mostHeadMacs(headGraphs(config, grid, lookup), config) - macs).toBe(absent * perProposal);
		await heads.release();
	});
});

describe('picking detections', () => {
	const config = () => {
		const published = readPublished(weights, 'f.pth');
		return { ...published, classes: ['a', 'b'], boxes: { ...published.boxes, max: 3 } };
	};
	// Two proposals at the same place and one elsewhere, a box per class; the second box of each reaches out of the input.
	const place = (x: number) => [x, 0, x + 10, 10, x, 0, x + 10, 200];
	const boxes = Float32Array.from([place(0), place(1), place(50)].flat());
	const probabilities = Float32Array.of(0.7, 0.2, 0.1, 0.6, 0.3, 0.1, 0.04, 0.5, 0.46);
	const input = { width: 100, height: 100 };

	it.each([
		['a proposal may give several classes; suppression is per class', 0.05, [0, 1, 1], [0.7, 0.5, 0.3]],
		['a score at the threshold is too low', 0.3, [0, 1], [0.7, 0.5]],
	])('%s', (_, threshold, classes, scores) => {
		const picked = pickDetections({ boxes, probabilities }, config(), input, threshold);
		expect([...picked.classIndices]).toEqual(classes);
		picked.scores.forEach((score, i) => expect(score).toBeCloseTo(scores[i]!, 5));
		expect(Math.max(...picked.boxesXyxy)).toBe(100);
	});

	it('goes back to the picture on display, without what lies in the padding', () => {
		const picked = {
			classIndices: Int32Array.of(0, 1),
			scores: Float32Array.of(0.9, 0.8),
			boxesXyxy: Float32Array.of(10, 5, 60, 70, 20, 80, 40, 90),
		};
		const letterbox = fitSquare({ width: 200, height: 150 }, 80, 16);
		const detections = toDisplay(picked, letterbox);
		expect(detections.count).toBe(1);
		expect(detections.box(0)).toEqual([25, 12.5, 150, 150]);
	});
});

it.each([
	['pads to a square', [1344, 756], 672, [672, 378], 672],
	['pads small pictures to whole patches', [100, 40], 672, [100, 40], 112],
	['shrinks a tall picture by its height', [756, 1344], 672, [378, 672], 672],
])('%s', (_, display, maxSide, content, side) => {
	const [width, height] = display as [number, number];
	const letterbox = fitSquare({ width, height }, maxSide, 16);
	expect([letterbox.contentSize.width, letterbox.contentSize.height]).toEqual(content);
	expect(letterbox.inputSize).toEqual({ width: side, height: side });
});

describe('a folder of Hugging Face’s ViTDet', () => {
	const openFolder = async (change?: (files: FolderFiles) => void) =>
		openSource(await folderOfCase('vitdet', change), MODEL_FAMILIES);

	it.each<[string, ((files: FolderFiles) => void) | undefined, RegExp]>([
		[
			'is a backbone, which finds no objects',
			undefined,
			/vitdet is a backbone of ViTDet \(4 blocks\) without a detector behind it: it finds no objects, and so cannot analyse a video\.$/,
		],
		[
			'is checked all the same',
			({ weights }) => weights.delete('encoder.layer.1.residual.conv2.weight'),
			/is not a ViTDet backbone of 4 blocks: it lacks encoder\.layer\.1\.residual\.conv2\.weight \[12, 12, 3, 3\]\.$/,
		],
		[
			'must have square patches',
			({ config }) => void Object.assign(config, { patch_size: [8, 16] }),
			/config\.json: patch_size must be square \(got 8 and 16\)\.$/,
		],
		[
			'must have the stages that it names',
			({ config }) => void Object.assign(config, { out_features: ['stage9'] }),
			/config\.json: out_features and out_indices must be among the stages stem, stage1, stage2, stage3, stage4\.$/,
		],
	])('%s', async (_, change, message) => {
		await expect(openFolder(change)).rejects.toThrow(message);
	});
});

import { describe, expect, it } from 'vitest';
import type { Frame } from '../../domain/frame.ts';
import type { SettingValues } from '../../domain/settings-table.ts';
import { checkpointOfCase, tensorsOfCase } from '../../weights/parity-case.fixture.ts';
import type { Weights, WeightTensor } from '../../weights/safetensors.ts';
import type { QueryAnswers } from '../../boxes/ranked-queries.ts';
import type { OpenedModel } from '../family.ts';
import { syntheticFrame } from '../../pixels/synthetic-frame.fixture.ts';
import type { Checkpoint } from '../../weights/checkpoint.ts';
import { openDetector, step } from '../detector.fixture.ts';
import { ModelSource } from '../source.ts';
import { detrFamily } from './index.ts';

// Small models of the published kind, as the parity cases have them, run as the product runs them: frame by frame.
const CLUSTERED = ['detr-enact', 'conditional-detr-enact', 'anchor-detr-enact'];
const PLAIN = ['detr-plain', 'conditional-detr-plain', 'anchor-detr-plain'];
const SIZE = { width: 250, height: 150 };

const checkpointOf = (name: string) => checkpointOfCase(`enact/${name}`);
const openModel = (checkpoint: Checkpoint) => detrFamily.open(ModelSource.inMemory(checkpoint));
const open = (model: OpenedModel, mode: string, settings: SettingValues = {}, displaySize = SIZE) =>
	openDetector<QueryAnswers>(model, { displaySize, mode, settings });

/** A picture [3, height, width] of a case as a frame. */
function frameOf(tensors: Weights, name: string): Frame {
	const { data, shape } = tensors.get(name)!;
	const [, height, width] = shape as [number, number, number];
	const area = width * height;
	const pixels = Uint8Array.from({ length: 3 * area }, (_, i) => data[(i % 3) * area + Math.floor(i / 3)]!);
	return { index: 0, timeSeconds: 0, pixels, format: 'rgb24', size: { width, height } };
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
	expect(actual.length).toBe(expected.length);
	const worst = Array.from(actual).reduce(
		(most, value, i) => Math.max(most, Math.abs(value - expected[i]!)),
		0,
	);
	expect(worst).toBeLessThan(tolerance);
}

describe.each([...CLUSTERED, ...PLAIN])('a checkpoint of %s', (name) => {
	it('is recognized, opened, and says in which modes it runs', async () => {
		const checkpoint = await checkpointOf(name);
		expect(detrFamily.recognizes!(checkpoint.weights)).toBe(true);
		const { modes } = await openModel(checkpoint);
		expect(modes).toEqual(
			CLUSTERED.includes(name) ? ['dense', 'tiles', 'enact', 'motion'] : ['dense', 'tiles', 'motion'],
		);
	});

	it('gives boxes in displayed pixels whatever the size, and counts what it computes', async () => {
		const model = await openModel(await checkpointOf(name));
		for (const mode of model.modes) {
			const detector = await open(model, mode);
			const outcome = await step(detector, syntheticFrame(detector.grid, { seed: 1 }));
			expect(outcome.count).toBe(detector.grid.rows * detector.grid.cols);
			if (mode === 'dense') expect(outcome.macs).toBe(detector.denseMacs);
			expect(outcome.macs).toBeGreaterThan(0.3 * detector.denseMacs);
			const found = outcome.detections;
			expect(found.count).toBeGreaterThan(0);
			for (let i = 0; i < found.count; i++) {
				const [left, top, right, bottom] = found.box(i);
				expect(left >= 0 && left <= right && right <= SIZE.width).toBe(true);
				expect(top >= 0 && top <= bottom && bottom <= SIZE.height).toBe(true);
				expect(model.classes[found.classIndices[i]!]).toBeTypeOf('string');
				if (i > 0) expect(found.scores[i]!).toBeLessThanOrEqual(found.scores[i - 1]!);
			}
			await detector.release();
		}
	});

	it('skips still frames in the mode motion, and goes on from a saved state', async () => {
		const model = await openModel(await checkpointOf(name));
		const [detector, resumed] = [await open(model, 'motion'), await open(model, 'motion')];
		const first = await step(detector, syntheticFrame(detector.grid, { seed: 1 }));
		resumed.restoreState(await detector.saveState());
		for (const each of [detector, resumed]) {
			const still = await step(each, syntheticFrame(each.grid, { seed: 1 }));
			expect(still).toMatchObject({ kind: 'skipped', macs: 0 });
			expect(still.output.logits).toEqual(first.output.logits);
			expect(await step(each, syntheticFrame(each.grid, { seed: 4 }))).toMatchObject({ kind: 'flush' });
		}
		detector.reset();
		expect(await step(detector, syntheticFrame(detector.grid, { seed: 4 }))).toMatchObject({ kind: 'flush' });
		await Promise.all([detector.release(), resumed.release()]);
	});
});

describe.each(CLUSTERED)('the clustered attention of %s', (name) => {
	it('gives the published outputs from a video frame', async () => {
		const tensors = await tensorsOfCase(`enact/${name}`);
		const frame = frameOf(tensors, 'B.image.0');
		const detector = await open(await openModel(await checkpointOf(name)), 'enact', {}, frame.size);
		const outcome = await step(detector, frame);
		expectClose(outcome.output.logits, tensors.get('B.pred_logits')!.data, 2e-4);
		expectClose(outcome.output.boxes, tensors.get('B.pred_boxes')!.data, 2e-4);
		const [last] = tensors.get('B.enc.1.cluster_length')!.data;
		const [from, to] = tensors.get('B.enc.1.used_range')!.data;
		const { values } = outcome.maps[0]!;
		expect(values.findIndex((value) => value > 0)).toBe(from);
		expect(new Set(values.subarray(from, to)).size).toBe((to! - from!) / last!);
		await detector.release();
	});

	it('with clusters of one token, is the mode dense', async () => {
		const model = await openModel(await checkpointOf(name));
		const [dense, single] = [await open(model, 'dense'), await open(model, 'enact', { clusterLength: 1 })];
		const [expected, actual] = [
			await step(dense, syntheticFrame(dense.grid, { seed: 2 })),
			await step(single, syntheticFrame(single.grid, { seed: 2 })),
		];
		expectClose(actual.output.logits, expected.output.logits, 1e-4);
		expectClose(actual.output.boxes, expected.output.boxes, 1e-4);
		single.changeSettings({ clusterLength: 0 });
		const clustered = await step(single, syntheticFrame(single.grid, { seed: 2 }));
		expect(clustered.macs).toBeLessThan(actual.macs);
		expect(clustered.output.logits).not.toEqual(actual.output.logits);
		await Promise.all([dense.release(), single.release()]);
	});
});

describe('says what is wrong with a checkpoint', () => {
	const small = { data: new Float32Array(2), shape: [2] };
	type Changed = { weights: Map<string, WeightTensor>; args: Record<string, unknown> };

	it.each<[string, (given: Changed) => void, RegExp]>([
		[
			'a tensor that is missing',
			({ weights }) => weights.delete('transformer.decoder.norm.bias'),
			/detr-enact\.pth is not a checkpoint of DETR with ENACT: it lacks transformer\.decoder\.norm\.bias \[32\]\.$/,
		],
		[
			'many tensors that are missing',
			({ weights }) => {
				for (const key of [...weights.keys()]) if (key.includes('bbox_embed')) weights.delete(key);
			},
			/it lacks bbox_embed\.layers\.0\.weight \[32, 32\], .* and 3 more\.$/,
		],
		[
			'a tensor of another shape',
			({ weights }) => weights.set('class_embed.bias', small),
			/it has in another shape class_embed\.bias, which should be \[8\] and is \[2\]\.$/,
		],
		[
			'a tensor too many',
			({ weights }) => weights.set('mask_head.lay1.weight', small),
			/it has besides mask_head\.lay1\.weight\.$/,
		],
		[
			'a sigma that is none',
			({ args }) => (args['smoothing_sigma'] = 'wide'),
			/args\.smoothing_sigma must be a number from 0\.5 to 64 \(got "wide"\)/,
		],
		[
			'heads that do not fit the width',
			({ args }) => (args['nheads'] = 5),
			/must be a multiple of its heads and of 4 \(got 32 and 5 heads\)/,
		],
	])('%s', async (_, change, message) => {
		const checkpoint = await checkpointOf('detr-enact');
		const changed = { weights: new Map(checkpoint.weights), args: { nheads: 4 } };
		change(changed);
		const { weights, args } = changed;
		await expect(openModel({ ...checkpoint, weights, options: { args } })).rejects.toThrow(message);
	});

	it('a mode that it does not host', async () => {
		const model = await openModel(await checkpointOf('detr-plain'));
		await expect(open(model, 'enact')).rejects.toThrow(
			/Mode enact does not work with this model: DETR has no weights to cluster keys and values by\./,
		);
	});

	it.each([
		['a detector of another family', new Map([['backbone.conv.weight', small]])],
		['nothing', new Map<string, WeightTensor>()],
	])('not recognizing %s', (_, weights) => {
		expect(detrFamily.recognizes!(weights)).toBe(false);
	});
});

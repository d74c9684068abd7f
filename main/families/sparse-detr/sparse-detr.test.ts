import { describe, expect, it } from 'vitest';
import type { SettingValues } from '../../domain/settings-table.ts';
import { checkpointOfCase } from '../../weights/parity-case.fixture.ts';
import type { WeightTensor } from '../../weights/safetensors.ts';
import type { QueryAnswers } from '../../boxes/ranked-queries.ts';
import type { Detector } from '../../detector/detector.ts';
import type { OpenedModel } from '../family.ts';
import type { Checkpoint } from '../../weights/checkpoint.ts';
import { openDetector, step } from '../detector.fixture.ts';
import { openModel } from '../index.ts';
import { syntheticFrame } from '../../pixels/synthetic-frame.fixture.ts';
import { ModelSource } from '../source.ts';
import { sparseDetrFamily } from './index.ts';

// Small models of the published kind, as the parity cases have them, run as the product runs them: frame by frame.
const CASES = new URL('../../parity/fixtures/sparse-detr/', import.meta.url);
const SPARSE = ['rho-0.3', 'two-stage-vanilla-rho-0.3'];
const PLAIN = ['deformable-plain', 'box-refine-one-stage'];
const SIZE = { width: 160, height: 120 };
const MAX_SIDE = 212; // not a multiple of the finest stride

const checkpointOf = (name: string) => checkpointOfCase(`sparse-detr/${name}`);
const openCheckpoint = (checkpoint: Checkpoint) => sparseDetrFamily.open(ModelSource.inMemory(checkpoint));
const open = (model: OpenedModel, mode: string, settings: SettingValues = {}) =>
	openDetector<QueryAnswers>(model, { displaySize: SIZE, mode, settings, maxSide: MAX_SIDE });

const frameFor = (detector: Detector, seed: number) => syntheticFrame(detector.grid, { seed });
const tokensOf = ({ grid }: Detector) => grid.rows * grid.cols;

function largestDifference(a: Float32Array, b: Float32Array): number {
	expect(a.length).toBe(b.length);
	return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
}

describe.each([...SPARSE, ...PLAIN])('a checkpoint of %s', (name) => {
	it('is recognized and says in which modes it runs', async () => {
		const checkpoint = await checkpointOf(name);
		expect(sparseDetrFamily.recognizes!(checkpoint.weights)).toBe(true);
		const { modes } = await openCheckpoint(checkpoint);
		expect(modes).toEqual(
			SPARSE.includes(name) ? ['dense', 'tiles', 'sparse', 'motion'] : ['dense', 'tiles', 'motion'],
		);
	});

	it('gives boxes in displayed pixels, maps of its tokens, and counts what it computes', async () => {
		const model = await openCheckpoint(await checkpointOf(name));
		for (const mode of model.modes) {
			const detector = await open(model, mode);
			const outcome = await step(detector, frameFor(detector, 1));
			const maps = { tiles: [], sparse: ['relevance', 'attention'] }[mode] ?? ['attention'];
			expect(outcome.maps.map(({ kind }) => kind)).toEqual(maps);
			for (const { values } of outcome.maps) {
				expect(values.length).toBe(tokensOf(detector));
				expect(new Set(values).size).toBeGreaterThan(1);
			}
			if (mode === 'sparse') expect(outcome.macs).toBeLessThan(detector.denseMacs);
			else expect(outcome.macs).toBe(detector.denseMacs);
			const found = outcome.detections;
			expect(found.count).toBeGreaterThan(0);
			for (let i = 0; i < found.count; i++) {
				const [left, top, right, bottom] = found.box(i);
				expect(left >= 0 && left <= right && right <= SIZE.width).toBe(true);
				expect(top >= 0 && top <= bottom && bottom <= SIZE.height).toBe(true);
			}
			await detector.release();
		}
	});

	it('skips still frames in the mode motion, and goes on from a saved state', async () => {
		const model = await openCheckpoint(await checkpointOf(name));
		const [detector, resumed] = [await open(model, 'motion'), await open(model, 'motion')];
		const first = await step(detector, frameFor(detector, 1));
		resumed.restoreState(await detector.saveState());
		for (const each of [detector, resumed]) {
			const still = await step(each, frameFor(each, 1));
			expect(still).toMatchObject({ kind: 'skipped', macs: 0 });
			expect(still.output.logits).toEqual(first.output.logits);
			expect(await step(each, frameFor(each, 4))).toMatchObject({ kind: 'flush' });
		}
		await Promise.all([detector.release(), resumed.release()]);
	});
});

describe.each(SPARSE)('the mode sparse of %s', (name) => {
	it('told to keep everything, equals dense', async () => {
		const model = await openCheckpoint(await checkpointOf(name));
		const [dense, sparse] = [await open(model, 'dense'), await open(model, 'sparse', { keep: 1 })];
		const [expected, actual] = [
			await step(dense, frameFor(dense, 2)),
			await step(sparse, frameFor(sparse, 2)),
		];
		expect(actual).toMatchObject({ kind: 'flush', count: tokensOf(sparse) });
		expect(largestDifference(actual.output.boxes, expected.output.boxes)).toBeLessThan(1e-4);
		expect(largestDifference(actual.output.logits, expected.output.logits)).toBeLessThan(1e-3);
		await Promise.all([dense.release(), sparse.release()]);
	});

	it('follows a keep ratio that is changed while running; cells are named once', async () => {
		const detector = await open(await openCheckpoint(await checkpointOf(name)), 'sparse', { keep: 0.6 });
		const many = await step(detector, frameFor(detector, 1));
		detector.changeSettings({ keep: 0.02 });
		const few = await step(detector, frameFor(detector, 1));
		expect(few.count).toBeLessThan(many.count);
		expect(few.macs).toBeLessThan(many.macs);
		for (const { kind, count, tokens } of [few, many]) {
			expect(kind).toBe(count === tokensOf(detector) ? 'flush' : 'partial');
			expect(new Set(tokens).size).toBe(count);
		}
		const within = new Set(many.tokens);
		expect(few.tokens.every((cell) => within.has(cell))).toBe(true);
		expect(() => detector.changeSettings({ keep: 1.4 })).toThrow(/keep/);
		await detector.release();
	});
});

describe('says what does not fit', () => {
	const changes: [string, (weights: Map<string, WeightTensor>) => void, RegExp][] = [
		[
			'a missing tensor',
			(weights) => weights.delete('transformer.encoder.layers.0.linear2.bias'),
			/rho-0\.3\.pth is not a checkpoint of Sparse DETR, ResNet: it lacks transformer\.encoder\.layers\.0\.linear2\.bias \[32\]/,
		],
		[
			'a tensor too many',
			(weights) => weights.set('transformer.more', { data: new Float32Array(1), shape: [1] }),
			/it has besides transformer\.more/,
		],
		[
			'a misshapen tensor',
			(weights) => weights.set('transformer.enc_output.bias', { data: new Float32Array(5), shape: [5] }),
			/it has in another shape transformer\.enc_output\.bias, which should be \[32\] and is \[5\]/,
		],
		[
			'no decoder',
			(weights) => weights.delete('transformer.decoder.layers.0.cross_attn.attention_weights.bias'),
			/lacks transformer\.decoder\.layers\.0\.cross_attn\.attention_weights\.bias/,
		],
	];
	it.each(changes)('%s', async (_, change, message) => {
		const checkpoint = await checkpointOf('rho-0.3');
		const weights = new Map(checkpoint.weights);
		change(weights);
		await expect(openCheckpoint({ ...checkpoint, weights })).rejects.toThrow(message);
	});

	it('a mode that needs a scoring network', async () => {
		const model = await openCheckpoint(await checkpointOf('deformable-plain'));
		await expect(open(model, 'sparse')).rejects.toThrow(
			/Mode sparse does not work with this model: Deformable DETR.* has no scorer/,
		);
	});

	it('arguments that fit no such model', async () => {
		const checkpoint = await checkpointOf('rho-0.3');
		const withArgs = (args: object) => ({ ...checkpoint, options: { args } });
		await expect(openCheckpoint(withArgs({ nheads: 'eight' }))).rejects.toThrow(/args\.nheads is not as/);
		await expect(openCheckpoint(withArgs({ nheads: 5 }))).rejects.toThrow(/of 5 heads/);
	});
});

it.each(['checkpoint.pth', 'checkpoint-legacy.pth'])(
	'opens the published file %s by its path',
	async (name) => {
		const model = await openModel(new URL(`checkpoint/${name}`, CASES).pathname);
		expect(model).toMatchObject({
			id: name.replace('.pth', ''),
			modes: ['dense', 'tiles', 'sparse', 'motion'],
		});
	},
);

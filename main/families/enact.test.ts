import { beforeAll, describe, expect, it } from 'vitest';
import type { SettingValues } from '../domain/settings-table.ts';
import type { Detector, Model } from '../detector/detector.ts';
import { openDetector, step } from './detector.fixture.ts';
import { openModel } from './index.ts';
import { syntheticFrame } from '../pixels/synthetic-frame.fixture.ts';

// What clustered attention promises beyond the contract of all modes, on the embedded model.
const TOKENS = 96;
const [DEPTH, DIM] = [6, 160];

let model: Model;

beforeAll(async () => {
	model = await openModel(new URL('../../models/lookout', import.meta.url).pathname);
});

const open = (settings: SettingValues = {}) =>
	openDetector(model, { displaySize: { width: 192, height: 128 }, mode: 'enact', settings });

/** A picture of waves, or an empty one. */
async function run(
	detector: Detector,
	picture: 'waves' | 'empty',
): Promise<{ macs: number; clusters: Uint8Array }> {
	const square = { x: 0, y: 0, side: picture === 'empty' ? 192 : 0 };
	const { macs, maps } = await step(detector, syntheticFrame(detector.grid, { seed: 1, square }));
	expect(maps).toHaveLength(1);
	expect(maps[0]!.kind).toBe('clusters');
	return { macs, clusters: maps[0]!.values };
}

/** Tokens per run of equal level, dropped ones left out. */
function runLengths(values: Uint8Array): number[] {
	const lengths: number[] = [];
	values.forEach((value, token) => {
		if (value === 0) return;
		if (token > 0 && values[token - 1] === value) lengths[lengths.length - 1]!++;
		else lengths.push(1);
	});
	return lengths;
}

describe('clustered attention', () => {
	it('takes cluster lengths that are asked for, changed while it runs', async () => {
		const detector = await open({ clusterLength: 5 });
		expect(runLengths((await run(detector, 'waves')).clusters)).toEqual(Array<number>(19).fill(5)); // 96 = 19 · 5 + 1
		detector.changeSettings({ clusterLength: 32 });
		expect(runLengths((await run(detector, 'waves')).clusters)).toEqual([32, 32, 32]);
		await detector.release();
	});

	it('counts attention by the clusters that there were', async () => {
		const [one, four] = [await open({ clusterLength: 1 }), await open({ clusterLength: 4 })];
		const saved = (await run(one, 'waves')).macs - (await run(four, 'waves')).macs;
		// Queries with keys and weights with values, over 24 clusters instead of 96 tokens.
		expect(saved).toBe(DEPTH * 2 * TOKENS * (TOKENS - TOKENS / 4) * DIM);
		await Promise.all([one.release(), four.release()]);
	});

	it('lets every picture set its own length', async () => {
		const detector = await open();
		for (const [picture, tokens] of [
			['waves', 2],
			['empty', 3],
		] as const) {
			const lengths = runLengths((await run(detector, picture)).clusters);
			expect(lengths).toEqual(Array<number>(TOKENS / tokens).fill(tokens));
		}
		await detector.release();
	});
});

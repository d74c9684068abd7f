import { beforeAll, describe, expect, it } from 'vitest';
import type { SettingValues } from '../domain/settings-table.ts';
import type { FramePixels, RunOutcome } from '../reduction/mode.ts';
import type { Detector as AnyDetector, Model } from './detector.ts';
import { openModel } from './index.ts';
import { syntheticFrame } from './synthetic-frame.ts';

// What clustered attention promises beyond the contract of all modes, on the embedded model.
const TOKENS = 96;
const [DEPTH, DIM] = [6, 160];

type Detector = AnyDetector<FramePixels, RunOutcome>;

let model: Model;

beforeAll(async () => {
	model = await openModel(new URL('../../models/lookout', import.meta.url).pathname);
});

async function open(settings: SettingValues = {}): Promise<Detector> {
	const displaySize = { width: 192, height: 128 };
	const options = { displaySize, mode: 'enact', settings, threads: 1, maxSide: 768, scoreThreshold: 0.05 };
	return (await model.open(options)) as Detector;
}

async function run(detector: Detector, seed: number): Promise<{ macs: number; clusters: Uint8Array }> {
	const pixels = detector.prepare(syntheticFrame(detector.grid, { seed }));
	const { macs, maps } = await detector.run(pixels, detector.select(pixels));
	expect(maps).toHaveLength(1);
	expect(maps![0]!.kind).toBe('clusters');
	return { macs, clusters: maps![0]!.values };
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
		expect(runLengths((await run(detector, 1)).clusters)).toEqual(Array<number>(19).fill(5)); // 96 = 19 · 5 + 1
		detector.changeSettings({ clusterLength: 32 });
		expect(runLengths((await run(detector, 1)).clusters)).toEqual([32, 32, 32]);
		await detector.release();
	});

	it('counts attention by the clusters that there were', async () => {
		const [one, four] = [await open({ clusterLength: 1 }), await open({ clusterLength: 4 })];
		const saved = (await run(one, 1)).macs - (await run(four, 1)).macs;
		// Queries with keys and weights with values, over 24 clusters instead of 96 tokens.
		expect(saved).toBe(DEPTH * 2 * TOKENS * (TOKENS - TOKENS / 4) * DIM);
		await Promise.all([one.release(), four.release()]);
	});

	it('lets every picture set its own length', async () => {
		const detector = await open();
		const lengths = new Set<number>();
		for (let seed = 1; seed <= 12; seed++) {
			const { clusters } = await run(detector, seed);
			const [length, ...others] = runLengths(clusters);
			expect(others.every((other) => other === length)).toBe(true);
			lengths.add(length!);
		}
		expect(lengths.size).toBeGreaterThan(1);
		await detector.release();
	});
});

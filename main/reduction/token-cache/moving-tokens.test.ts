import { expect, it } from 'vitest';
import { tokenCount } from '../../domain/tokens.ts';
import { WasmFramePixels } from '../../pixels/frame-pixels.ts';
import { syntheticFrame } from '../../pixels/synthetic-frame.fixture.ts';
import { createRuntime } from '../../runtime/onnx-runtime.ts';
import type { VitPlan } from '../../vit/plan.ts';
import { axialRotary } from '../../vit/positions.ts';
import { TINY_PLANS, tinyWeights } from '../../vit/tiny-plans.fixture.ts';
import { staysInPlace, successors } from './moving-tokens.ts';
import { StoreInPlace } from './store-in-place.ts';

const [first] = TINY_PLANS as [VitPlan, ...VitPlan[]];
const plan: VitPlan = {
	...TINY_PLANS[2]!,
	name: 'turned queries and keys',
	absolute: null,
	blocks: TINY_PLANS[2]!.blocks.map((block) => ({ ...block, window: null, relative: null, residual: null })),
	rotary: axialRotary(first.grid.rows, first.grid.cols, first.dim / first.heads, 1.5, 0.05),
};
const ALL = Int32Array.from({ length: tokenCount(plan.grid) }, (_, token) => token);

function pixelsOf(index: number): WasmFramePixels {
	const pixels = new WasmFramePixels(plan.grid, [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]);
	pixels.load(syntheticFrame(plan.grid, { seed: 1 + index, index }));
	return pixels;
}

const load = () => StoreInPlace.load(plan, tinyWeights(), createRuntime(1));
const largest = (a: Float32Array, b: Float32Array) =>
	a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);

it.each([
	[0, 1],
	[2, 0],
	[-1, -3],
	[5, 1],
])('a view that has rolled by %i rows and %i columns answers as one that has not', async (rows, cols) => {
	const [rolled, plain] = [await load(), await load()];
	await rolled.flush(pixelsOf(0).planar());
	rolled.roll(rows, cols);
	// Everything is computed at the positions that it has now: attention knows nothing but their differences.
	for (const store of [rolled, plain]) {
		if (store === plain) await store.flush(pixelsOf(1).planar());
		const pixels = pixelsOf(1);
		await store.update(ALL, ALL.length, pixels.windows(ALL, ALL.length));
	}
	expect(largest(rolled.answers.grid, plain.answers.grid)).toBeLessThan(1e-4);
	await Promise.all([rolled.release(), plain.release()]);
});

it('tokens keep what is remembered of them as they move, in a saved state, too', async () => {
	const [moved, still] = [await load(), await load()];
	const some = ALL.filter((token) => token % 3 === 0 && token % plan.grid.cols > 0);
	for (const store of [moved, still]) await store.flush(pixelsOf(0).planar());
	moved.roll(0, -1);
	// The column that has come in still holds what left: the store that stays has that on its other side.
	const before = still.answers.grid.slice();
	const width = before.length / ALL.length;
	for (const token of ALL) {
		if (token % plan.grid.cols === plan.grid.cols - 1) continue;
		const kept = moved.answers.grid.subarray(token * width, (token + 1) * width);
		expect(kept).toEqual(before.subarray((token + 1) * width, (token + 2) * width));
	}
	const resumed = await load();
	resumed.restoreState(await moved.saveState());
	for (const store of [moved, resumed]) {
		await store.update(some, some.length, pixelsOf(2).windows(some, some.length));
	}
	expect(resumed.answers).toEqual(moved.answers);
	await still.update(
		some.map((token) => token + 1).filter((token) => token < ALL.length),
		some.length,
		pixelsOf(2).windows(some, some.length),
	);
	for (const token of some) {
		if (token % plan.grid.cols === plan.grid.cols - 1) continue;
		const [a, b] = [token, token + 1].map((of, i) =>
			(i === 0 ? moved : still).answers.grid.subarray(of * width, (of + 1) * width),
		) as [Float32Array, Float32Array];
		expect(largest(a, b)).toBeLessThan(1e-4);
	}
	await Promise.all([moved, still, resumed].map((store) => store.release()));
});

it('every token has one successor', () => {
	for (const [rows, cols] of [
		[1, 0],
		[0, -2],
		[-3, 4],
		[9, 9],
	] as const) {
		expect([...successors(plan.grid, rows, cols)].sort((a, b) => a - b)).toEqual([...ALL]);
	}
	expect([...successors({ ...plan.grid, rows: 1, cols: 3 }, 0, 1)]).toEqual([1, 2, 0]);
});

it('says why tokens of a plan stay in place', () => {
	expect(staysInPlace(plan)).toBeNull();
	for (const other of TINY_PLANS) expect(staysInPlace(other)).toContain(other.name);
});

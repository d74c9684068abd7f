import { expect, it } from 'vitest';
import { WasmFramePixels } from '../../pixels/frame-pixels.ts';
import { syntheticFrame } from '../../pixels/synthetic-frame.fixture.ts';
import { createRuntime } from '../../runtime/onnx-runtime.ts';
import { TINY_PLANS, tinyWeights } from '../../vit/tiny-plans.fixture.ts';
import { dense } from '../dense.ts';
import { eventful } from './eventful.ts';

const FRAMES = 3;

it.each(
	TINY_PLANS.flatMap((plan) =>
		(['published', 'exact'] as const).map((variant) => [plan.name, variant, plan] as const),
	),
)('%s: with all gates open, the variant %s equals dense on every frame', async (_, variant, plan) => {
	const host = { plan, weights: tinyWeights(), runtime: createRuntime(1) };
	const whole = await dense.open(host, {});
	const open = await eventful.open(host, { fraction: 1, variant });
	const pixels = new WasmFramePixels(plan.grid, [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]);
	for (let index = 0; index < FRAMES; index++) {
		pixels.load(syntheticFrame(plan.grid, { seed: 1 + index, index }));
		const expected = await whole.run(pixels, whole.select(pixels));
		const actual = await open.run(pixels, open.select(pixels));
		expectClose(actual.head, expected.head);
		expectClose(actual.extra ?? new Float32Array(0), expected.extra ?? new Float32Array(0));
		expect(expected.head.length + (expected.extra?.length ?? 0)).toBeGreaterThan(0);
	}
	await whole.release();
	await open.release();
});

it.each(TINY_PLANS.map((plan) => [plan.name, plan] as const))(
	'%s: gates that open after frames of half the tokens catch up with dense',
	async (_, plan) => {
		const host = { plan, weights: tinyWeights(), runtime: createRuntime(1) };
		const whole = await dense.open(host, {});
		const gated = await eventful.open(host, { fraction: 0.5, variant: 'exact' });
		const pixels = new WasmFramePixels(plan.grid, [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]);
		for (let index = 0; index < FRAMES; index++) {
			pixels.load(syntheticFrame(plan.grid, { seed: 1 + index, index }));
			if (index === FRAMES - 1) gated.change({ fraction: 1 });
			const actual = await gated.run(pixels, gated.select(pixels));
			if (index < FRAMES - 1) continue;
			const expected = await whole.run(pixels, whole.select(pixels));
			expectClose(actual.head, expected.head);
			expectClose(actual.extra ?? new Float32Array(0), expected.extra ?? new Float32Array(0));
		}
		await whole.release();
		await gated.release();
	},
);

it('pools no keys of a plan with tokens that have no place on the grid', async () => {
	const host = { plan: TINY_PLANS[0]!, weights: tinyWeights(), runtime: createRuntime(1) };
	await expect(eventful.open(host, { pool: 2 })).rejects.toThrow('which has tokens that read no pixels');
});

function expectClose(actual: Float32Array, expected: Float32Array): void {
	expect(actual.length).toBe(expected.length);
	const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i]!)), 0);
	expect(worst).toBeLessThan(1e-4);
}

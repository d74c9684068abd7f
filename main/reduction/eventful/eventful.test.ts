import { expect, it } from 'vitest';
import { WasmFramePixels } from '../../pixels/frame-pixels.ts';
import { syntheticFrame } from '../../pixels/synthetic-frame.fixture.ts';
import { createRuntime } from '../../runtime/onnx-runtime.ts';
import { TINY_PLANS, tinyWeights } from '../../vit/tiny-plans.fixture.ts';
import { bareHost } from '../bare-host.fixture.ts';
import { dense } from '../dense.ts';
import { eventful } from './eventful.ts';

const FRAMES = 3;

it.each(
	TINY_PLANS.flatMap((plan) =>
		(['published', 'exact'] as const).map((variant) => [plan.name, variant, plan] as const),
	),
)('%s: with all gates open, the variant %s equals dense on every frame', async (_, variant, plan) => {
	const host = bareHost(plan, tinyWeights());
	const whole = await dense.open(host, createRuntime(1), {});
	const open = await eventful.open(host, createRuntime(1), { fraction: 1, variant });
	const pixels = new WasmFramePixels(plan.grid, [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]);
	for (let index = 0; index < FRAMES; index++) {
		pixels.load(syntheticFrame(plan.grid, { seed: 1 + index, index }));
		const { output: expected } = await whole.run(pixels, whole.select(pixels));
		const { output: actual } = await open.run(pixels, open.select(pixels));
		expectClose(actual.grid, expected.grid);
		expectClose(actual.extra, expected.extra);
		expect(expected.grid.length + expected.extra.length).toBeGreaterThan(0);
	}
	await whole.release();
	await open.release();
});

it.each(TINY_PLANS.map((plan) => [plan.name, plan] as const))(
	'%s: gates that open after frames of half the tokens catch up with dense',
	async (_, plan) => {
		const host = bareHost(plan, tinyWeights());
		const whole = await dense.open(host, createRuntime(1), {});
		const gated = await eventful.open(host, createRuntime(1), { fraction: 0.5, variant: 'exact' });
		const pixels = new WasmFramePixels(plan.grid, [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]);
		for (let index = 0; index < FRAMES; index++) {
			pixels.load(syntheticFrame(plan.grid, { seed: 1 + index, index }));
			if (index === FRAMES - 1) gated.change({ fraction: 1 });
			const { output: actual } = await gated.run(pixels, gated.select(pixels));
			if (index < FRAMES - 1) continue;
			const { output: expected } = await whole.run(pixels, whole.select(pixels));
			expectClose(actual.grid, expected.grid);
			expectClose(actual.extra, expected.extra);
		}
		await whole.release();
		await gated.release();
	},
);

it('pools no keys of a plan with tokens that have no place on the grid', async () => {
	const host = bareHost(TINY_PLANS[0]!, tinyWeights());
	await expect(eventful.open(host, createRuntime(1), { pool: 2 })).rejects.toThrow(
		'which has tokens that read no pixels',
	);
});

function expectClose(actual: Float32Array, expected: Float32Array): void {
	expect(actual.length).toBe(expected.length);
	const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i]!)), 0);
	expect(worst).toBeLessThan(1e-4);
}

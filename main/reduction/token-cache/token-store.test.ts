import { describe, expect, it } from 'vitest';
import { tokenCount } from '../../domain/tokens.ts';
import { WasmFramePixels } from '../../pixels/frame-pixels.ts';
import { syntheticFrame } from '../../pixels/synthetic-frame.fixture.ts';
import { createRuntime } from '../../runtime/onnx-runtime.ts';
import type { DeviceTensor, GraphFeeds, GraphRuntime, GraphTensor } from '../../runtime/runtime.ts';
import { float32, floats } from '../../runtime/tensors.ts';
import type { VitPlan } from '../../vit/plan.ts';
import { axialRotary } from '../../vit/positions.ts';
import { TINY_PLANS, tinyWeights } from '../../vit/tiny-plans.fixture.ts';
import { loadStore } from './load-store.ts';
import { StoreInPlace } from './store-in-place.ts';
import { StoreOracle } from './store-oracle.fixture.ts';
import type { TokenStore } from './token-store.ts';
import { writesDuringRun } from './writes-during-run.ts';

const FRAMES = 5;

const [first] = TINY_PLANS as [VitPlan, ...VitPlan[]];
const turned: VitPlan = {
	...TINY_PLANS[2]!,
	name: 'turned queries and keys, and a scorer',
	blocks: TINY_PLANS[2]!.blocks.map((block) => ({ ...block, window: null })),
	rotary: axialRotary(first.grid.rows, first.grid.cols, first.dim / first.heads, 1.5, 0.05),
	scorer: { afterBlocks: 1, score: (layers, tokens) => layers.linear('scorer', tokens, 1), own: null },
};
const PLANS = [...TINY_PLANS, turned].map((plan) => [plan.name, plan] as const);

/** A runtime that copies the inputs of graphs with these names, and writes to its caller's memory when all is done. */
function writesAfterwards(runtime: GraphRuntime, names: RegExp): GraphRuntime {
	return {
		...runtime,
		async load(bytes, name) {
			const session = await runtime.load(bytes, name);
			if (!names.test(name)) return session;
			return {
				inputs: session.inputs,
				outputs: session.outputs,
				async run(feeds, wanted, into = {}) {
					const outputs = await session.run(copiesOf(feeds), [...wanted, ...Object.keys(into)]);
					for (const [output, { data }] of Object.entries(into as Record<string, GraphTensor>)) {
						data.set(outputs[output]!.data as never);
					}
					return Object.fromEntries(wanted.map((output) => [output, outputs[output]!]));
				},
				release: () => session.release(),
			};
		},
	};
}

function copiesOf(feeds: GraphFeeds): GraphFeeds {
	const copies = Object.entries(feeds as Record<string, GraphTensor>).map(([input, tensor]) => [
		input,
		{ ...tensor, data: tensor.data.slice() } as GraphTensor,
	]);
	return Object.fromEntries(copies);
}

/** Memory that only pretends to be elsewhere. */
class PretendedTensor implements DeviceTensor {
	readonly location = 'device';
	readonly shape: readonly number[];
	data: Float32Array | null;

	constructor(data: Float32Array, shape: readonly number[]) {
		this.data = data.slice();
		this.shape = shape;
	}

	/** Throws once it is disposed of. */
	get here(): GraphTensor {
		return float32(this.data!, this.shape);
	}

	dispose(): void {
		this.data = null;
	}
}

/** A runtime that writes to what it pretends to be a device's memory. */
function pretendsDevice(runtime: GraphRuntime): GraphRuntime {
	const here = (tensor: GraphTensor | DeviceTensor) =>
		tensor instanceof PretendedTensor ? tensor.here : tensor;
	return {
		...runtime,
		device: {
			upload: (data, shape) => Promise.resolve(new PretendedTensor(data, shape)),
			download: (tensor) => Promise.resolve((tensor as PretendedTensor).data!.slice()),
		},
		async load(bytes, name) {
			const session = await runtime.load(bytes, name);
			return {
				...session,
				async run(feeds, wanted, into = {}) {
					const inputs = Object.entries(feeds).map(([input, tensor]) => [input, here(tensor)]);
					const outputs = await session.run(Object.fromEntries(inputs), [...wanted, ...Object.keys(into)]);
					for (const [output, tensor] of Object.entries(into)) {
						(tensor as PretendedTensor).data!.set(floats(outputs, output));
					}
					return outputs;
				},
				release: () => session.release(),
			};
		},
	};
}

const RUNTIMES: Record<string, () => GraphRuntime> = {
	'written during the run': () => createRuntime(1),
	'written after the run': () => writesAfterwards(createRuntime(1), /./),
	'written during the run of other graphs': () => writesAfterwards(createRuntime(1), /:partial$/),
};

const STORES = { ...RUNTIMES, 'on a device': () => pretendsDevice(createRuntime(1)) };

const load = (plan: VitPlan, runtime: GraphRuntime) => loadStore(plan, tinyWeights(), runtime);

function pixelsOf(plan: VitPlan, index: number): WasmFramePixels {
	const pixels = new WasmFramePixels(plan.grid, [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]);
	pixels.load(syntheticFrame(plan.grid, { seed: 1 + index, index }));
	return pixels;
}

/** Different tokens for every frame, the first one whole; later ones in no order. */
function selectedIn(frame: number, plan: VitPlan): number[] {
	const tokens = Array.from({ length: tokenCount(plan.grid) }, (_, token) => token);
	if (frame === 0) return tokens;
	const picked = tokens.filter((token) => (token * 7 + frame * 5) % 11 < frame);
	return frame % 2 ? picked.reverse() : picked;
}

async function show(store: TokenStore, plan: VitPlan, index: number, selected: readonly number[]) {
	const pixels = pixelsOf(plan, index);
	if (index === 0) return store.flush(pixels.planar());
	const tokens = Int32Array.from(selected);
	return store.update(tokens, tokens.length, pixels.windows(tokens, tokens.length));
}

it.each(PLANS)(
	'%s: goes on without the device from what was saved on it, and the other way round',
	async (_, plan) => {
		const [onDevice, here, back] = [
			await load(plan, pretendsDevice(createRuntime(1))),
			await load(plan, createRuntime(1)),
			await load(plan, pretendsDevice(createRuntime(1))),
		];
		for (let index = 0; index < 3; index++) await show(onDevice, plan, index, selectedIn(index, plan));
		here.restoreState(await onDevice.saveState());
		for (let index = 3; index < 5; index++) {
			for (const store of [onDevice, here]) await show(store, plan, index, selectedIn(index, plan));
		}
		back.restoreState(await here.saveState());
		for (const store of [onDevice, here, back]) await show(store, plan, 5, selectedIn(5, plan));
		for (const store of [here, back]) {
			expectClose(store.answers.grid, onDevice.answers.grid, 1e-5);
			expectClose(store.answers.extra, onDevice.answers.extra, 1e-5);
		}
		for (const store of [onDevice, here, back]) await store.release();
	},
);

describe.each(Object.entries(STORES))('a token store, %s', (_, createRuntime) => {
	it.each(PLANS)('%s: answers as the long way does', async (_, plan) => {
		const runtime = createRuntime();
		const store = await load(plan, runtime);
		const oracle = new StoreOracle(plan, tinyWeights(), runtime);
		for (let index = 0; index < FRAMES; index++) {
			const selected = selectedIn(index, plan);
			await show(store, plan, index, selected);
			const expected = await oracle.run(pixelsOf(plan, index).planar(), selected);
			expectClose(store.answers.grid, expected['head'] ?? new Float32Array(0), 1e-5);
			expectClose(store.answers.extra, expected['extra'] ?? new Float32Array(0), 1e-5);
			if (plan.scorer) expectClose(store.scores!, expected['scores']!, 1e-5);
		}
		await store.release();
	});

	it.each(PLANS)('%s: equals a dense frame where all tokens are selected', async (_, plan) => {
		const runtime = createRuntime();
		const [store, dense] = [await load(plan, runtime), await load(plan, runtime)];
		await store.flush(pixelsOf(plan, 0).planar());
		for (let index = 1; index < 3; index++) {
			await show(store, plan, index, selectedIn(0, plan));
			await dense.flush(pixelsOf(plan, index).planar());
			expectClose(store.answers.grid, dense.answers.grid, 1e-4);
			expectClose(store.answers.extra, dense.answers.extra, 1e-4);
		}
		await Promise.all([store.release(), dense.release()]);
	});

	it.each(PLANS)('%s: goes on from a saved state as if it had never stopped', async (_, plan) => {
		const runtime = createRuntime();
		const [whole, resumed] = [await load(plan, runtime), await load(plan, runtime)];
		for (let index = 0; index < 3; index++) await show(whole, plan, index, selectedIn(index, plan));
		resumed.restoreState(await whole.saveState());
		for (let index = 3; index < 5; index++) {
			await show(whole, plan, index, selectedIn(index, plan));
			await show(resumed, plan, index, selectedIn(index, plan));
			expect(resumed.answers).toEqual(whole.answers);
			expect(resumed.scores).toEqual(whole.scores);
		}
		await Promise.all([whole.release(), resumed.release()]);
	});
});

it.each(PLANS)('%s: a graph that reads what it wrote is not compiled in the slower way', async (_, plan) => {
	const runtime = createRuntime(1);
	const loaded: string[] = [];
	const load: GraphRuntime['load'] = (bytes, name) => {
		loaded.push(name);
		return runtime.load(bytes, name);
	};
	const store = await StoreInPlace.load(plan, tinyWeights(), { ...runtime, load });
	expect(loaded.filter((name) => name.endsWith(':partial'))).toHaveLength(1);
	await store.release();
});

it.each(Object.entries(RUNTIMES))('tells whether outputs are %s', async (when, createRuntime) => {
	const runtime = createRuntime();
	expect(await writesDuringRun(runtime)).toBe(when !== 'written after the run');
	expect(writesDuringRun(runtime)).toBe(writesDuringRun(runtime));
});

function expectClose(actual: Float32Array, expected: Float32Array, tolerance: number): void {
	expect(actual.length).toBe(expected.length);
	const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i]!)), 0);
	expect(worst).toBeLessThan(tolerance);
}

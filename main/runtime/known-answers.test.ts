import { expect, it } from 'vitest';
import { ON_CPU } from '../domain/execution.ts';
import { attentionTasks, firstWrong, otherTasks } from './known-answers.ts';
import { createRuntime } from './onnx-runtime.ts';
import type { GraphRuntime } from './runtime.ts';

const tasks = [...attentionTasks(), ...otherTasks()];

/** A runtime whose first outputs are a little off. */
function inexact(runtime: GraphRuntime): GraphRuntime {
	return {
		...runtime,
		async load(bytes, name) {
			const session = await runtime.load(bytes, name);
			return {
				inputs: session.inputs,
				outputs: session.outputs,
				release: () => session.release(),
				async run(feeds, wanted, into) {
					const outputs = await session.run(feeds, wanted, into);
					for (const { data } of Object.values(outputs)) (data as Float32Array)[data.length - 1]! += 0.01;
					return outputs;
				},
			};
		},
	};
}

it('a processor agrees with itself, with attention spelled out, too', async () => {
	for (const attention of ['fused', 'plain'] as const) {
		expect(
			await firstWrong(tasks, createRuntime(1, { execution: { ...ON_CPU, attention } }), createRuntime(1)),
		).toBeNull();
	}
});

it.each(tasks)('tells a wrong number among many right ones: $name', async (task) => {
	expect(await firstWrong([task], inexact(createRuntime(1)), createRuntime(1))).toBe(task.name);
});

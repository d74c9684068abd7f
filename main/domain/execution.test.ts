import { expect, it } from 'vitest';
import { type Execution, type ExecutionChange, executionAt, executionCode, ON_CPU } from './execution.ts';

const WEBGPU: Execution = { provider: 'webgpu', attention: 'plain', precision: 'float32' };
const LOST: ExecutionChange = { frameIndex: 12, ...ON_CPU };

it.each<[number, readonly ExecutionChange[], Execution]>([
	[0, [], WEBGPU],
	[11, [LOST], WEBGPU],
	[12, [LOST], ON_CPU],
	[99, [LOST], ON_CPU],
	[0, [{ ...LOST, frameIndex: 0 }], ON_CPU],
])('frame %i with the changes %o was computed by %o', (frameIndex, changes, expected) => {
	expect(executionAt(WEBGPU, changes, frameIndex)).toEqual(expected);
});

it.each<[Execution, string]>([
	[ON_CPU, 'cpu'],
	[WEBGPU, 'webgpu plain'],
	[{ ...ON_CPU, precision: 'int8' }, 'cpu int8'],
])('%o is %s in a table', (execution, code) => {
	expect(executionCode(execution)).toBe(code);
});

import { describe, expect, it } from 'vitest';
import { type Execution, ON_CPU } from './execution.ts';
import { type ExecutionRemark, executionSentence, executionWords } from './execution-words.ts';

const WEBGPU: Execution = { provider: 'webgpu', attention: 'plain', precision: 'float32' };

it.each<[Execution, Parameters<typeof executionWords>[1], string, string]>([
	[ON_CPU, [], 'the processor', 'プロセッサー'],
	[{ ...ON_CPU, precision: 'int8' }, [], 'the processor, int8', 'プロセッサー・int8'],
	[
		WEBGPU,
		[{ frameIndex: 12, ...ON_CPU }],
		'WebGPU, attention spelled out; the processor from frame 12 on',
		'WebGPU・分解したアテンション、フレーム 12 からプロセッサー',
	],
	[{ ...ON_CPU, provider: 'rocm' }, [], 'rocm', 'rocm'],
])('%o, then %o, is %s', (first, changes, en, ja) => {
	expect(executionWords(first, changes, 'en')).toBe(en);
	expect(executionWords(first, changes, 'ja')).toBe(ja);
});

describe('a remark is one sentence in each language', () => {
	const [cpu, gpu] = [
		{ provider: 'cpu', milliseconds: 23.4 },
		{ provider: 'webgpu', milliseconds: 5.21 },
	];
	it.each<[ExecutionRemark, string]>([
		[
			{ type: 'measuring', mode: 'dense', provider: 'cpu' },
			'Measuring once how fast dense runs on the processor.',
		],
		[{ type: 'trying' }, 'Trying out once what this machine can run on.'],
		[
			{ type: 'chosen', ...gpu, others: [cpu] },
			'It runs on WebGPU: a frame takes 5.2 ms there, 23 ms on the processor.',
		],
		[
			{ type: 'dense-faster', mode: 'token-cache', best: cpu, dense: gpu },
			'Mode dense would be faster than token-cache here: a frame takes 5.2 ms on WebGPU, and in token-cache, with its usual settings, 23 ms on the processor.',
		],
		[
			{ type: 'unmeasured', mode: 'dense', provider: 'cuda', reason: 'It broke.' },
			'CUDA is left out, for dense failed there: It broke.',
		],
		[
			{ type: 'stays-on-cpu', provider: 'webgpu', reason: 'so it is' },
			'It runs on the processor though WebGPU works here: so it is.',
		],
		[
			{ type: 'device-gone', provider: 'webgpu', reason: 'No adapter.' },
			'The run goes on on the processor, for WebGPU, which it began on, does not work now: No adapter.',
		],
		[
			{ type: 'left-to-cpu', provider: 'webgpu', operators: ['Slice', 'TopK'] },
			'WebGPU leaves some operators to the processor: Slice, TopK.',
		],
		[
			{ type: 'device-lost', provider: 'webgpu', reason: 'it ended.' },
			'WebGPU was lost, and the run goes on on the processor from its last stored state: it ended.',
		],
	])('%o', (remark, en) => {
		expect(executionSentence(remark, 'en')).toBe(en);
		expect(executionSentence(remark, 'ja')).toMatch(/[ぁ-ん]/);
	});
});

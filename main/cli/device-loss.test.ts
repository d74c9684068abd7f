import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ON_CPU } from '../domain/execution.ts';
import { machineFingerprint } from '../execution/fingerprint.ts';
import type { ProviderCheck } from '../execution/provider-checks.ts';
import { SIGNATURES, tinyOnnx } from '../families/onnx/tiny-onnx.fixture.ts';
import { openRun } from '../results/stored-run.ts';
import { SOFTWARE_VULKAN } from '../runtime/software-vulkan.fixture.ts';
import { framesStored, makeClip, openBench, sparsight, startSparsight } from './cli.fixture.ts';

const FRAMES = 60;

const bench = openBench();
const at = (name: string) => join(bench.folder, name);
afterAll(bench.close);

it.skipIf(!SOFTWARE_VULKAN)(
	'a run whose worker is killed on a device is completed on the CPU, and says so',
	async () => {
		const environment = SOFTWARE_VULKAN!;
		// Trying the device out would take longer than the rest.
		const rest = { reason: null, pace: null };
		const webgpu: ProviderCheck = { name: 'webgpu', works: true, attention: 'plain', ...rest };
		const fingerprint = machineFingerprint({ environment: { ...process.env, ...environment } });
		mkdirSync(at('cache'));
		writeFileSync(at('cache/providers.json'), JSON.stringify({ [fingerprint]: [webgpu] }));
		writeFileSync(at('tiny.onnx'), tinyOnnx({ outputs: SIGNATURES.endToEnd }));
		makeClip(at('clip.mp4'), FRAMES);
		const words = ['analyze', 'clip.mp4', '--model', 'tiny.onnx', '--mode', 'dense'];

		const onDevice = [...words, '--provider', 'webgpu', '--out', 'lost', '--verbose'];
		const { ended, stderr } = startSparsight(bench.folder, onDevice, environment);
		await framesStored(at('lost'));
		process.kill(Number(/worker process (\d+)/.exec(stderr())![1]), 'SIGKILL');
		expect(await ended).toMatchObject({
			code: 0,
			stderr: expect.stringMatching(/dense: WebGPU was lost, .* by signal SIGKILL/) as string,
			stdout: expect.stringContaining('WebGPU, attention spelled out; the processor from frame') as string,
		});

		await sparsight(bench.folder, [...words, '--provider', 'cpu', '--out', 'whole']);
		const [lost, whole] = [await openRun(at('lost')), await openRun(at('whole'))];
		expect(lost.status).toMatchObject({ state: 'complete', framesStored: FRAMES });
		expect(lost.header).toMatchObject({ provider: 'webgpu', attention: 'plain' });
		expect(lost.status.executionChanges).toEqual([{ frameIndex: expect.any(Number), ...ON_CPU }]);
		const boxes = ({ detections, frameIndex }: ReturnType<typeof lost.result>) => [
			frameIndex,
			detections.count,
		];
		expect([...lost.results()].map(boxes)).toEqual([...whole.results()].map(boxes));
	},
);

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserFacingError } from '../domain/errors.ts';
import { type Execution, type ExecutionChange, ON_CPU } from '../domain/execution.ts';
import type { ExecutionRemark } from '../domain/execution-words.ts';
import type { MeasuredSpeed, SpeedConditions } from '../domain/speed.ts';
import { RunWriter } from '../results/run-writer.ts';
import { sampleHeader, sampleResult } from '../results/sample-run.fixture.ts';
import { ExecutionChoice, type Wanted } from './choice.ts';
import type { ProviderCheck } from './provider-checks.ts';
import type { FailedMeasurement } from './speeds.ts';

const works = (name: string, attention: 'fused' | 'plain' = 'fused'): ProviderCheck => ({
	name,
	works: true,
	attention,
	reason: null,
	pace: null,
});
const fails = (name: string, reason: string): ProviderCheck => ({ ...works(name), works: false, reason });
const CPU_ONLY = [works('cpu'), fails('webgpu', 'No adapter.')];
const WITH_GPU = [works('cpu'), works('webgpu', 'plain'), works('cuda')];
const WITH_SOFTWARE = [works('cpu'), { ...works('webgpu', 'plain'), pace: { own: 90, processor: 12 } }];
const WEBGPU: Execution = { provider: 'webgpu', attention: 'plain', precision: 'float32' };
const CUDA: Execution = { ...WEBGPU, provider: 'cuda', attention: 'fused' };

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'sparsight-choice-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const wanted = (changes: Partial<Wanted> = {}): Wanted => ({
	videoPath: 'clip.mp4',
	modelPath: 'lookout',
	mode: 'token-cache',
	maxSide: null,
	threads: null,
	start: 'create',
	runFolder: join(folder, 'run'),
	provider: 'auto',
	precision: null,
	...changes,
});

/** A machine where a frame takes these milliseconds, by mode and provider; where a text stands, it fails with it. */
function machine(
	checks: ProviderCheck[] | Error | Promise<never>,
	milliseconds: Record<string, number | string> = {},
) {
	const measured: string[] = [];
	const known: (MeasuredSpeed | FailedMeasurement)[] = [];
	const isSame = (a: SpeedConditions, b: SpeedConditions) => a.mode === b.mode && a.provider === b.provider;
	const choice = new ExecutionChoice({
		checks: {
			known: () => (checks instanceof Error ? Promise.reject(checks) : Promise.resolve(checks)),
		},
		speeds: {
			find: (_, conditions) => Promise.resolve(known.find((one) => isSame(one, conditions)) ?? null),
			noteFailure: (_, failure) => Promise.resolve(void known.push(failure)),
			measure({ mode, execution, maxSide, threads }) {
				const what = `${mode} ${execution.provider}`;
				measured.push(what);
				const figure = milliseconds[what];
				if (typeof figure !== 'number') {
					return Promise.reject(new UserFacingError('worker-died', figure ?? 'It can’t run.'));
				}
				const rest = { model: 'Lookout', frames: 19, measuredAt: '', size: { width: 64, height: 48 } };
				const speed = { ...execution, ...rest, mode, maxSide, threads, milliseconds: figure };
				known.push(speed);
				return Promise.resolve(speed);
			},
		},
		weightsOf: () => Promise.resolve('weights'),
		sizeOf: () => Promise.resolve({ width: 64, height: 48 }),
	});
	const remarks: ExecutionRemark[] = [];
	return {
		measured,
		remarks,
		choose: (changes?: Partial<Wanted>, signal?: AbortSignal) =>
			choice.choose(wanted(changes), (remark) => remarks.push(remark), signal),
	};
}

const told = (remarks: ExecutionRemark[]) =>
	remarks.filter(({ type }) => type !== 'measuring').map(({ type }) => type);

describe('what a run begins on', () => {
	const SPEEDS = {
		'token-cache cpu': 20,
		'token-cache webgpu': 5,
		'dense cpu': 100,
		'dense webgpu': 9,
		'dense cuda': 3,
		'enact cpu': 50,
		'tiles cpu': 40,
		'tiles webgpu': 30,
	};
	it.each<
		[string, ProviderCheck[] | Error, Partial<Wanted>, typeof SPEEDS | object, Execution, string[], string[]]
	>([
		['the CPU where only that works, unmeasured', CPU_ONLY, {}, SPEEDS, ON_CPU, [], []],
		['the CPU where the runtime can’t be loaded', new Error('no'), {}, SPEEDS, ON_CPU, [], []],
		['the CPU where a device is made of software, unmeasured', WITH_SOFTWARE, {}, SPEEDS, ON_CPU, [], []],
		['the CPU where that is asked for', WITH_GPU, { provider: 'cpu' }, SPEEDS, ON_CPU, [], []],
		[
			'the fastest, with its own attention',
			WITH_GPU,
			{ mode: 'dense' },
			{ ...SPEEDS, 'dense webgpu': 2 },
			WEBGPU,
			['dense cpu', 'dense webgpu', 'dense cuda'],
			['chosen'],
		],
		[
			'the CPU where that is fastest',
			WITH_GPU,
			{ mode: 'dense' },
			{ ...SPEEDS, 'dense cpu': 1 },
			ON_CPU,
			['dense cpu', 'dense webgpu', 'dense cuda'],
			['chosen'],
		],
		[
			'no device that can’t keep what a mode remembers, and dense is worth a word there',
			WITH_GPU,
			{},
			SPEEDS,
			WEBGPU,
			['token-cache cpu', 'token-cache webgpu', 'dense webgpu', 'dense cuda'],
			['chosen', 'dense-faster'],
		],
		[
			'the CPU for enact, which says so',
			WITH_GPU,
			{ mode: 'enact' },
			{ ...SPEEDS, 'enact cpu': 2 },
			ON_CPU,
			['enact cpu', 'dense webgpu', 'dense cuda'],
			['stays-on-cpu'],
		],
		[
			'the CPU for int8, which says so, and that dense is faster in float32',
			WITH_GPU,
			{ precision: 'int8' },
			SPEEDS,
			{ ...ON_CPU, precision: 'int8' },
			['token-cache cpu', 'dense webgpu', 'dense cuda'],
			['stays-on-cpu', 'dense-faster'],
		],
		[
			'a device for tiles, which no dense run is held against',
			WITH_GPU,
			{ mode: 'tiles' },
			SPEEDS,
			WEBGPU,
			['tiles cpu', 'tiles webgpu'],
			['chosen'],
		],
		[
			'the CPU where a device fails at work',
			WITH_GPU,
			{ mode: 'dense' },
			{ 'dense cpu': 100, 'dense webgpu': 'Out of memory.' },
			ON_CPU,
			['dense cpu', 'dense webgpu', 'dense cuda'],
			['unmeasured', 'unmeasured'],
		],
		['the CPU where a model fails there, too', WITH_GPU, {}, {}, ON_CPU, ['token-cache cpu'], []],
	])('is %s', async (_, checks, changes, speeds, execution, measured, remarks) => {
		const run = machine(checks, speeds as Record<string, number>);
		expect(await run.choose(changes)).toEqual({ execution, afterLoss: false });
		expect(run.measured).toEqual(measured);
		expect(told(run.remarks)).toEqual(remarks);
	});

	it('is measured once', async () => {
		const run = machine(WITH_GPU, { ...SPEEDS, 'dense cuda': 'It broke.' });
		const first = await run.choose();
		run.measured.length = run.remarks.length = 0;
		expect(await run.choose()).toEqual(first);
		expect(run.measured).toEqual([]);
		expect(told(run.remarks)).toEqual(['unmeasured']); // dense beats nothing on WebGPU
	});

	it('is the CPU as soon as nobody waits any more', async () => {
		const stop = new AbortController();
		stop.abort();
		const run = machine(WITH_GPU, SPEEDS);
		expect(await run.choose({}, stop.signal)).toEqual({ execution: ON_CPU, afterLoss: false });
		expect(run.measured).toEqual([]);
	});

	it('is nothing where a device was asked for and nobody waits any more while its driver hangs', async () => {
		const stop = new AbortController();
		const choosing = machine(new Promise<never>(() => {})).choose({ provider: 'webgpu' }, stop.signal);
		setImmediate(() => stop.abort());
		await expect(choosing).rejects.toMatchObject({ code: 'cancelled' });
	});

	it.each<[string, Partial<Wanted>, string]>([
		['works', { provider: 'webgpu' }, ''],
		['works in this mode', { provider: 'cuda', mode: 'dense' }, ''],
		['can’t keep state', { provider: 'cuda' }, 'CUDA can’t be used: mode token-cache remembers tensors'],
		['lacks operators', { provider: 'webgpu', mode: 'enact' }, 'WebGPU can’t be used: mode enact is made of'],
		['lacks int8', { provider: 'webgpu', precision: 'int8' }, 'int8 is computed on the processor only.'],
		['does not work', { provider: 'dml' }, 'DirectML does not work here: No such device.'],
		[
			'is unknown',
			{ provider: 'rocm' },
			'no execution provider "rocm" (it has auto, cpu, webgpu, cuda, dml).',
		],
	])('is a provider that is asked for and %s', async (_, changes, refusal) => {
		const run = machine([...WITH_GPU, fails('dml', 'No such device.')]);
		const execution = changes.provider === 'cuda' ? CUDA : WEBGPU;
		if (refusal === '') expect(await run.choose(changes)).toEqual({ execution, afterLoss: false });
		else {
			await expect(run.choose(changes)).rejects.toMatchObject({
				code: 'provider-unusable',
				message: expect.stringContaining(refusal.replace('’', "'")) as string,
			});
		}
		expect(run.measured).toEqual([]);
	});
});

describe('a run that goes on', () => {
	/** Stores a run of three frames that began on a device. */
	async function begun(changes: ExecutionChange[] = []): Promise<void> {
		const writer = await RunWriter.create(join(folder, 'run'), sampleHeader(WEBGPU));
		for (let i = 0; i < 3; i++) await writer.append(sampleResult(i));
		await writer.close('cancelled', {
			decode: null,
			error: null,
			wallSeconds: 1,
			state: { memory: new Float32Array(1) },
		});
		if (changes.length === 0) return;
		const resumed = await RunWriter.resume(join(folder, 'run'), ON_CPU);
		await resumed.writer.close('cancelled', { decode: null, error: null, wallSeconds: 1, state: null });
	}
	const LOST = [{ frameIndex: 3, ...ON_CPU }];

	it.each<[string, ExecutionChange[], ProviderCheck[], Partial<Wanted>, object, string[]]>([
		['keeps its device', [], WITH_GPU, {}, { execution: WEBGPU, afterLoss: false }, []],
		['stays on the CPU after a loss', LOST, WITH_GPU, {}, { execution: ON_CPU, afterLoss: false }, []],
		[
			'leaves a device that is gone',
			[],
			CPU_ONLY,
			{},
			{ execution: ON_CPU, afterLoss: true },
			['device-gone'],
		],
		[
			'is left to the worker to refuse where another one is asked for',
			[],
			WITH_GPU,
			{ provider: 'cpu' },
			{ execution: ON_CPU, afterLoss: false },
			[],
		],
	])('%s', async (_, changes, checks, asked, chosen, remarks) => {
		await begun(changes);
		const run = machine(checks, {});
		expect(await run.choose({ start: 'continue', ...asked })).toEqual(chosen);
		expect(told(run.remarks)).toEqual(remarks);
	});

	it('goes on with nothing where nobody waits any more while the driver of its device hangs', async () => {
		await begun();
		const stop = new AbortController();
		const choosing = machine(new Promise<never>(() => {})).choose({ start: 'continue' }, stop.signal);
		setTimeout(() => stop.abort(), 20);
		await expect(choosing).rejects.toMatchObject({ code: 'cancelled' });
	});
});

import { describe, expect, it, vi } from 'vitest';
import type {
	AppDescription,
	HostEvent,
	OpenedVideo,
	RunAgreement,
	RunEntry,
} from '../../preload/contract.ts';
import { madeUpBatch } from './batches.fixture.ts';
import { Comparison } from './comparison.svelte.ts';
import { FakeHost, madeUpEntry, madeUpRun, withRuns } from './fake-host.fixture.ts';

const MODES = ['dense', 'token-cache', 'sparse'];
const APP = {
	models: [{ id: 'lookout', name: 'Lookout', classes: ['person'], modes: MODES }],
	modes: MODES.map((id) => ({
		id,
		title: id,
		description: '',
		settings:
			id === 'dense'
				? {}
				: { keep: { kind: 'number', default: 0.3, min: 0, max: 1, live: true, description: '' } },
	})),
	preferences: { modelId: null, mode: 'token-cache', modeSettings: { sparse: { keep: 0.7 } } },
} as unknown as AppDescription;
const settled = () => new Promise((done) => setTimeout(done, 0));

function agreement(f1: number, lost: number[]): RunAgreement {
	return {
		f1,
		lost: 1,
		gained: 0,
		meanIou: 1,
		leftOut: { own: [], reference: [] },
		perFrame: {
			frameIndices: Int32Array.from(lost, (_, i) => i),
			f1: new Float32Array(lost.length),
			lost: Uint16Array.from(lost),
			gained: new Uint16Array(lost.length),
			meanIou: new Float32Array(lost.length),
		},
		averagePrecision50: null,
		truth: null,
	};
}

function make(runs: RunEntry[] = [], stored = () => 10) {
	const entries = new Map(runs.map((entry) => [entry.runId, entry]));
	const host = withRuns(
		new FakeHost(),
		(runId) => entries.get(runId) ?? madeUpEntry(runId, { active: true }),
		stored,
	)
		.answer('analysis.start', ({ mode }) => madeUpEntry('new', { mode, active: true }))
		.answer('analysis.resume', ({ runId }) => madeUpEntry(runId, { active: true }))
		.answer('analysis.change', () => null)
		.answer('run.agreement', () => agreement(0.9, [0, 1, 0, 1]));
	const comparison = new Comparison(host, APP, { videoId: 'v', runs } as unknown as OpenedVideo);
	host.listen((event) => comparison.take(event));
	return { host, comparison, entries };
}

const frames = (runId: string, from: number, count: number): HostEvent => ({
	type: 'analysis.frames',
	runId,
	batch: madeUpBatch(from, count),
});
const openedEvent = (runId: string): HostEvent => ({
	type: 'analysis.opened',
	runId,
	header: madeUpRun(madeUpEntry(runId), 0).header,
	framesStored: 0,
});

describe('a run in progress that is being loaded', () => {
	it.each(['run.open', 'run.timeline'] as const)(
		'ends as any other does when it ends during %s',
		async (name) => {
			const running = madeUpEntry('long', { active: true });
			let count = 4;
			const { host, comparison } = make([running], () => count);
			const request = host.request.bind(host);
			const waiting: (() => void)[] = [];
			const isAsked = new Promise<void>((asked) => {
				vi.spyOn(host, 'request').mockImplementation(async (wanted, input) => {
					const given = await request(wanted, input);
					if (wanted !== name) return given;
					await new Promise<void>((go) => {
						waiting.push(go);
						asked();
					});
					return given;
				});
			});
			const restoring = comparison.restore();
			await isAsked;
			vi.restoreAllMocks();
			count = 6;
			host.tell(frames('long', 4, 2));
			const status = { ...running.status, framesStored: 6, lastFrameIndex: 5 };
			host.tell({
				type: 'analysis.ended',
				runId: 'long',
				entry: { ...running, active: false, status },
				error: null,
			});
			for (const go of waiting) go();
			await restoring;
			await settled();
			const { run, active } = comparison.active;
			expect([run!.entry.active, active, run!.timeline.length]).toEqual([false, false, 6]);
		},
	);
});

describe('a new run', () => {
	it.each([
		['after the answer', false],
		['before the answer', true],
	])('shows every frame that comes, also when it opens %s', async (_, early) => {
		const { host, comparison } = make([], () => 0);
		const started = comparison.start(comparison.active);
		if (!early) await started;
		host.tell(openedEvent('new'));
		host.tell(frames('new', 0, 5));
		await started;
		await settled();
		host.tell(frames('new', 5, 5));
		expect(comparison.active.run?.timeline.length).toBe(10);
		expect(comparison.active.busy).toBe(true);
	});

	it('that loses its device is shown anew from where it goes on, with a word of it', async () => {
		let stored = 0;
		const { host, comparison } = make([], () => stored);
		await comparison.start(comparison.active);
		const passing = { type: 'measuring', mode: 'dense', provider: 'cpu' } as const;
		host.tell({ type: 'analysis.remark', runId: 'new', remark: passing });
		host.tell(openedEvent('new'));
		await settled();
		host.tell(frames('new', 0, 10));
		stored = 4;
		const remark = { type: 'device-lost', provider: 'webgpu', reason: 'it ended' } as const;
		host.tell({ type: 'analysis.remark', runId: 'new', remark });
		host.tell(openedEvent('new'));
		host.tell(frames('new', 4, 3));
		await settled();
		expect(comparison.active.run?.timeline.length).toBe(7);
		expect(comparison.active.remarks).toEqual([{ runId: 'new', remark }]);
		comparison.active.dismiss(remark);
		expect(comparison.active.remarks).toEqual([]);
	});

	it('that fails before it opens leaves its error, and the pane free', async () => {
		const { host, comparison } = make();
		await comparison.start(comparison.active);
		const error = { code: 'decode-failed', message: 'x', remedy: null, stack: null } as const;
		host.tell({ type: 'analysis.ended', runId: 'new', entry: madeUpEntry('new'), error });
		expect(comparison.active).toMatchObject({ error, busy: false, run: null });
	});

	it('that is refused leaves the reason', async () => {
		const { host, comparison } = make();
		host.answer('analysis.start', () => Promise.reject(new Error('no such model')));
		await comparison.start(comparison.active);
		expect(comparison.active.error?.message).toBe('no such model');
		expect(comparison.active.busy).toBe(false);
	});

	it('takes live settings while it is going, and only then', async () => {
		const { host, comparison } = make([], () => 0);
		await comparison.change(comparison.active, 'keep', 0.5);
		expect(host.count('analysis.change')).toBe(0);
		await comparison.start(comparison.active);
		host.tell(openedEvent('new'));
		await settled();
		await comparison.change(comparison.active, 'keep', 0.2);
		expect(host.asked.at(-1)).toEqual({
			name: 'analysis.change',
			input: { runId: 'new', settings: { keep: 0.2 } },
		});
	});
});

it('a slider that is dragged sends its first and its last value, not all between', async () => {
	const { host, comparison } = make([], () => 0);
	await comparison.start(comparison.active);
	host.tell(openedEvent('new'));
	await settled();
	vi.useFakeTimers();
	try {
		for (const keep of [0.1, 0.2, 0.3, 0.4]) void comparison.change(comparison.active, 'keep', keep);
		await vi.advanceTimersByTimeAsync(1000);
	} finally {
		vi.useRealTimers();
	}
	const sent = host.asked.filter(({ name }) => name === 'analysis.change').map(({ input }) => input);
	expect(sent).toEqual([0.1, 0.4].map((keep) => ({ runId: 'new', settings: { keep } })));
});

it('a resumed run is read anew, since it may go on from an earlier frame', async () => {
	let stored = 10;
	const { host, comparison, entries } = make([madeUpEntry('a', { mode: 'sparse' })], () => stored);
	await comparison.restore();
	expect(comparison.active.run?.timeline.length).toBe(10);
	stored = 4;
	entries.delete('a');
	await comparison.resume(comparison.active);
	host.tell(openedEvent('a'));
	await settled();
	host.tell(frames('a', 4, 2));
	expect(comparison.active.run?.timeline.length).toBe(6);
});

describe('panes', () => {
	it('are added with modes that no other has, four at most', () => {
		const { comparison } = make();
		for (let i = 0; i < 6; i++) comparison.addPane();
		expect(comparison.panes.map(({ draft }) => draft.mode)).toEqual([
			'token-cache',
			'dense',
			'sparse',
			'sparse',
		]);
	});

	it('begin with the settings last used, over the defaults', () => {
		const { comparison } = make();
		expect(comparison.draftFor('lookout', 'sparse').settings).toEqual({ keep: 0.7 });
		expect(comparison.draftFor('lookout', 'token-cache').settings).toEqual({ keep: 0.3 });
	});

	it.each([
		['the active one is before the closed one', 0, 2, 0],
		['the active one is closed', 1, 1, 1],
		['the active one is behind the closed one', 2, 0, 1],
	])('keep the one that is looked at where %s', (_, active, closed, then) => {
		const { comparison } = make();
		comparison.addPane();
		comparison.addPane();
		comparison.activate(active);
		comparison.removePane(closed);
		expect(comparison.activeIndex).toBe(then);
	});
});

describe('a comparison', () => {
	const dense = madeUpEntry('d', { mode: 'dense' });

	it('measures against the dense run that is stored, shown or not', async () => {
		const { host, comparison } = make([madeUpEntry('a'), dense]);
		await comparison.restore();
		expect(comparison.active.agreement?.result.f1).toBe(0.9);
		expect(host.asked.at(-1)).toEqual({
			name: 'run.agreement',
			input: { runId: 'a', referenceRunId: 'd', truthId: null, truthFrom: null, besideIds: [] },
		});
		expect(comparison.referenceMeansOf(comparison.active.run!.entry)?.totalMilliseconds).toBe(5);
	});

	it('measures two models against the dense run of the first', async () => {
		const rival = madeUpEntry('r', { mode: 'dense', modelId: 'rival' });
		const { comparison } = make([madeUpEntry('a'), dense]);
		await comparison.restore();
		expect(comparison.hasSeveralModels).toBe(false);
		const { comparison: both } = make([madeUpEntry('a'), rival, dense]);
		await both.restore();
		expect(both.hasSeveralModels).toBe(true);
		both.addPane();
		await both.showRun(both.active, 'r');
		expect(both.reference).toBe('d');
		both.removePane(0);
		expect(both.reference).toBe('r');
	});

	it('never measures a model against another one’s dense run', async () => {
		const rival = madeUpEntry('r', { mode: 'dense', modelId: 'rival' });
		const { comparison } = make([madeUpEntry('a'), rival]);
		await comparison.showRun(comparison.active, 'r');
		expect(comparison.reference).toBe('r');
		comparison.addPane();
		await comparison.showRun(comparison.active, 'a');
		expect(comparison.reference).toBe('a');
	});

	it('asks again for ground truth, the reference too', async () => {
		const { host, comparison } = make([madeUpEntry('a'), dense]);
		await comparison.restore();
		comparison.addPane();
		await comparison.showRun(comparison.active, 'd');
		const before = host.count('run.agreement');
		await comparison.useTruth({ truthId: 't', name: 'gt.txt' });
		expect(host.count('run.agreement') - before).toBe(2);
		await comparison.compare();
		expect(host.count('run.agreement') - before).toBe(2);
		await comparison.numberTruthFrom(0);
		expect(host.asked.at(-1)?.input).toMatchObject({ truthId: 't', truthFrom: 0 });
		expect(host.count('run.agreement') - before).toBe(4);
	});

	it('judges a run by ground truth where no other one is its reference', async () => {
		const { host, comparison } = make([madeUpEntry('a')]);
		await comparison.restore();
		expect(comparison.active.agreement).toBeNull();
		await comparison.useTruth({ truthId: 't', name: 'gt.txt' });
		expect(host.asked.findLast(({ name }) => name === 'run.agreement')?.input).toMatchObject({
			runId: 'a',
			referenceRunId: 'a',
			truthId: 't',
		});
	});

	it.each([
		['says why ground truth cannot be read', 'truth-unreadable', 'truth-unreadable'],
		['keeps silent about runs that share no frames', 'bad-argument', undefined],
	] as const)('%s', async (_, code, shown) => {
		const { host, comparison } = make([madeUpEntry('a'), dense]);
		host.refuse('run.agreement', code);
		await comparison.restore();
		expect(comparison.active.error?.code).toBe(shown);
		expect(comparison.active.agreement).toBeNull();
	});

	it('says why the file of ground truth could not be chosen', async () => {
		const { host, comparison } = make([dense]);
		host.refuse('truth.choose', 'file-unreadable');
		await comparison.chooseTruth();
		expect(comparison.active.error?.code).toBe('file-unreadable');
	});

	it('keeps a run that the host does not delete, and answers why', async () => {
		const { host, comparison } = make([dense]);
		host.refuse('run.delete', 'run-unreadable');
		expect((await comparison.deleteRun('d'))?.code).toBe('run-unreadable');
		expect(comparison.runs).toHaveLength(1);
	});
});

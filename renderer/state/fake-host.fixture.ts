import type { RunSummary } from '../../main/results/summary.ts';
import { UserFacingError, type ErrorCode } from '../../main/domain/errors.ts';
import { ON_CPU } from '../../main/domain/execution.ts';
import type {
	Answers,
	HostApi,
	HostEvent,
	OpenedRun,
	RequestInput,
	RequestName,
	RunEntry,
} from '../../preload/contract.ts';
import { madeUpBatch, madeUpTimeline, TOKENS } from './batches.fixture.ts';

type Handler<Name extends RequestName> = (
	input: RequestInput<Name>,
) => Answers[Name] | Promise<Answers[Name]>;

/** A host with answers from a test, which records requests. */
export class FakeHost implements HostApi {
	readonly asked: { name: RequestName; input: unknown }[] = [];
	readonly #handlers = new Map<RequestName, (input: never) => unknown>();
	readonly #listeners: ((event: HostEvent) => void)[] = [];

	answer<Name extends RequestName>(name: Name, handler: Handler<Name>): this {
		this.#handlers.set(name, handler);
		return this;
	}

	/** Refuses every request of that name. */
	refuse(name: RequestName, code: ErrorCode): this {
		return this.answer(name, () => Promise.reject(new UserFacingError(code, `${name} is refused`)));
	}

	async request<Name extends RequestName>(name: Name, input: RequestInput<Name>): Promise<Answers[Name]> {
		this.asked.push({ name, input });
		const handler = this.#handlers.get(name);
		if (!handler) throw new Error(`The test has no answer to ${name}.`);
		return (await handler(input as never)) as Answers[Name];
	}

	listen(listener: (event: HostEvent) => void): () => void {
		this.#listeners.push(listener);
		return () => undefined;
	}

	tell(event: HostEvent): void {
		for (const listener of this.#listeners) listener(event);
	}

	dropToken(): string | null {
		return null;
	}

	/** How often `name` was requested. */
	count(name: RequestName): number {
		return this.asked.filter((request) => request.name === name).length;
	}
}

export function madeUpEntry(runId: string, more: Partial<RunEntry> = {}): RunEntry {
	return {
		runId,
		createdAt: '2026-01-01T00:00:00Z',
		modelId: 'lookout',
		mode: 'token-cache',
		settings: {},
		precision: 'float32',
		status: {
			state: 'complete',
			framesStored: 0,
			lastFrameIndex: -1,
			wallSeconds: 1,
			decode: null,
			error: null,
			executionChanges: [],
		},
		active: false,
		waiting: false,
		...more,
	};
}

/** A run of generated frames with a grid of 3 × 4 tokens, of which `frameCount` are stored. */
export function madeUpRun(entry: RunEntry, frameCount: number, every = 1): OpenedRun {
	return {
		entry,
		header: {
			format: 'sparsight-run',
			version: 1,
			createdAt: entry.createdAt,
			videoIdentity: { fileBytes: 1, edgesSha256: '' },
			model: { id: 'lookout', name: 'Lookout', path: '', sha256: '', classes: ['person'] },
			mode: entry.mode,
			settings: {},
			range: { from: { frame: 0 }, to: null, every },
			letterbox: {} as OpenedRun['header']['letterbox'],
			grid: { rows: 3, cols: 4, stride: 16, windowSize: 16, windowOffset: 0 },
			scoreThreshold: 0.05,
			displayThresholds: [0.5],
			denseMacs: 8e9,
			behindMacs: 0,
			...ON_CPU,
			threads: 1,
			versions: { sparsight: '', onnxruntime: '', ffmpeg: '', node: '' },
		},
		events: [],
		frameCount,
		mapKinds: frameCount > 5 ? ['relevance'] : [],
	};
}

/** What `run.summary` says of it. */
export function madeUpSummary(frameCount: number): RunSummary {
	const times = { decode: 1, prepare: 1, select: 1, run: 1, interpret: 1, total: 5 };
	return {
		frames: frameCount,
		...ON_CPU,
		executionChanges: [],
		threads: 1,
		msPerFrame: times,
		medianMsPerFrame: times,
		firstFrameMs: times,
		gmacPerFrame: { first: 8, mean: 4, dense: 8, behind: 0 },
		tokens: { total: 12, meanSelected: 6 },
		wallSeconds: 1,
		drift: null,
		camera: null,
	};
}

/** Answers all requests about runs as if `stored()` frames of each were on disk. */
export function withRuns(
	host: FakeHost,
	entryOf: (runId: string) => RunEntry,
	stored: () => number,
): FakeHost {
	return (
		host
			.answer('run.open', ({ runId }) => madeUpRun(entryOf(runId), stored()))
			.answer('run.summary', () => madeUpSummary(stored()))
			.answer('run.timeline', ({ from, count }) =>
				madeUpTimeline(from, Math.max(0, Math.min(count, stored() - from))),
			)
			// A box in each frame has a score of 0.1, the others 0.9; 0.5 is what the class needs.
			.answer('run.shownCounts', ({ leastScore }) =>
				madeUpTimeline(0, stored()).detections.map((count) => (leastScore > 0.1 ? count : count + 1)),
			)
			.answer('run.maps', ({ from, count }) => {
				const frames = Array.from(
					{ length: Math.max(0, Math.min(count, stored() - from)) },
					(_, i) => from + i,
				);
				return {
					known: Uint8Array.from(frames, (frame) => (frame >= 5 ? 1 : 0)),
					values: Uint8Array.from(frames.flatMap((frame) => Array<number>(TOKENS).fill(frame))),
				};
			})
			.answer('run.frames', ({ from, count }) =>
				madeUpBatch(from, Math.max(0, Math.min(count, stored() - from))),
			)
	);
}

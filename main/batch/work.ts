import { setTimeout as sleep } from 'node:timers/promises';
import type { AnalysisJob, AnalysisNews, AnalysisOutcome } from '../analysis/protocol.ts';
import { startLastingAnalysis } from '../analysis/device-loss.ts';
import type { WarmWorker } from '../analysis/warm-worker.ts';
import { errorFromData, errorToData, UserFacingError } from '../domain/errors.ts';
import type { ExecutionRemark } from '../domain/execution-words.ts';
import { ON_CPU } from '../domain/execution.ts';
import type { ExecutionChoice } from '../execution/choice.ts';
import { compareVideo, identifyVideo } from '../video/identity.ts';
import type { BatchJob, JobOutcome } from './job.ts';
import { KnownVideos } from './known-videos.ts';
import { replacedFile } from './plan.ts';
import type { Claim, JobQueue } from './queue.ts';

/** How often a worker dies over a job before the job has failed: not every death is the job's fault. */
const MOST_DEATHS = 3;
/** Between two looks into a queue that had nothing. */
const LOOK_MILLISECONDS = 1000;

/** What hears how jobs go. */
export type WorkListener = {
	onNews?: (job: BatchJob, news: AnalysisNews | ExecutionRemark) => void;
	/** `null`: the job was given back, to be gone on with later. */
	onEnd?: (job: BatchJob, outcome: JobOutcome | null) => void;
	onStderr?: (text: string) => void;
};

export type WorkDependencies = {
	worker: WarmWorker;
	choice: Pick<ExecutionChoice, 'choose'>;
	/** The folder or file of a model, by its id or path. */
	findModel: (model: string) => Promise<string>;
	cacheFolder: string | null;
	/** Throws where a file may not be read any more. */
	mayRead?: (videoPath: string) => Promise<void>;
};

type Work = WorkDependencies & {
	videos: KnownVideos;
	/** Called once a job computes frames. */
	lookAhead: () => void;
};

/**
 * Does the jobs of a queue one after another, until it is done or `stop` is aborted; the job at hand is then given back. `stays`: waits
 * for more instead. A job that fails is noted, and the others go on; a full disk would fail them all: the job at hand is given back, and
 * `disk-full` is thrown.
 */
export async function workOff(
	queue: JobQueue,
	dependencies: WorkDependencies,
	listener: WorkListener,
	stop: AbortSignal,
	{ stays = false, lookMilliseconds = LOOK_MILLISECONDS } = {},
): Promise<void> {
	const videos = new KnownVideos();
	const lookAhead = () =>
		void queue.upcoming().then(
			(path) => path !== null && videos.look(path),
			() => undefined, // then nothing is known
		);
	while (!stop.aborted) {
		const claim = await queue.next();
		if (claim) await doJob(claim, { ...dependencies, videos, lookAhead }, listener, stop);
		else if (!stays && (await queue.isDone())) return;
		else await sleep(lookMilliseconds, undefined, { signal: stop }).catch(() => undefined);
	}
}

async function doJob(
	claim: Claim,
	dependencies: Work,
	listener: WorkListener,
	stop: AbortSignal,
): Promise<void> {
	const outcome = stop.aborted ? null : await outcomeOf(claim, dependencies, listener, stop);
	const fullDisk = outcome?.state === 'failed' && outcome.error.code === 'disk-full' ? outcome.error : null;
	const ended = fullDisk ? null : outcome;
	if (ended) await claim.end(ended);
	else await claim.release();
	listener.onEnd?.(claim.job, claim.lost.aborted ? null : ended);
	if (fullDisk) throw errorFromData(fullDisk);
}

/** Null where the job was interrupted, or taken over by somebody else. */
async function outcomeOf(
	claim: Claim,
	dependencies: Work,
	listener: WorkListener,
	stop: AbortSignal,
): Promise<JobOutcome | null> {
	for (let deaths = 1; ; deaths++) {
		try {
			const ended = await record(claim, dependencies, listener, stop);
			return ended.state === 'complete' ? { state: 'done', framesStored: ended.framesStored } : null;
		} catch (error) {
			if (claim.lost.aborted || stop.aborted) return null;
			const died = error instanceof UserFacingError && error.code === 'worker-died';
			if (!died || deaths === MOST_DEATHS) return { state: 'failed', error: errorToData(error) };
		}
	}
}

async function record(
	claim: Claim,
	{ worker, choice, findModel, cacheFolder, mayRead, videos, lookAhead }: Work,
	listener: WorkListener,
	stop: AbortSignal,
): Promise<Pick<AnalysisOutcome, 'state' | 'framesStored'>> {
	const { job } = claim;
	const { label, model, provider, precision, ...rest } = job.configuration;
	await mayRead?.(job.videoPath);
	await refuseReplaced(job);
	const runFolder = await claim.begin();
	if (runFolder === null) return { state: 'complete', framesStored: 0 }; // what it holds is read from it
	const known = await videos.find(job.videoPath);
	const wanted: AnalysisJob = {
		...rest,
		videoPath: job.videoPath,
		modelPath: await findModel(model),
		runFolder,
		start: 'ensure',
		execution: precision === null ? null : { ...ON_CPU, precision },
		wantsFrames: false,
		cacheFolder,
		...(known && { known }),
	};
	const tell = (remark: ExecutionRemark) => listener.onNews?.(job, remark);
	const chosen = await choice.choose({ ...wanted, provider, precision }, tell, stop);
	const onNews = (news: AnalysisNews) => {
		if (news.type === 'opened') lookAhead();
		if (news.type === 'progress') claim.progressed(news.progress);
		listener.onNews?.(job, news);
	};
	const start = () => worker.take();
	const analysis = startLastingAnalysis({ ...wanted, ...chosen }, start, onNews, listener.onStderr);
	const cancel = () => analysis.cancel();
	const kill = () => analysis.kill();
	stop.addEventListener('abort', cancel);
	claim.lost.addEventListener('abort', kill);
	if (stop.aborted) cancel();
	if (claim.lost.aborted) kill();
	try {
		return await analysis.outcome;
	} finally {
		stop.removeEventListener('abort', cancel);
		claim.lost.removeEventListener('abort', kill);
	}
}

/** A run of what took the file's place would be listed under the file that was wanted. */
async function refuseReplaced({ videoPath, identity }: BatchJob): Promise<void> {
	const now = await identifyVideo(videoPath);
	if (identity === null || (await compareVideo(videoPath, now, identity)) !== 'other') return;
	throw replacedFile(videoPath);
}

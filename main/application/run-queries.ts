import type { OpenedRun, RunAgreement, RunMaps, RunTimeline } from '../../preload/contract.ts';
import { packFrameBatch, type FrameBatch } from '../analysis/frame-batch.ts';
import type { FrameResult } from '../domain/frame-result.ts';
import { loweredTo } from '../domain/least-scores.ts';
import { RecentMap } from '../domain/recent-map.ts';
import type { VideoIdentity } from '../domain/run.ts';
import { tokenCount, type TokenMapKind } from '../domain/tokens.ts';
import type { TrackPaths } from '../domain/track-paths.ts';
import { coverageOf } from '../domain/truth-coverage.ts';
import { agreementSteps } from '../evaluation/agreement.ts';
import { evaluateRun } from '../evaluation/evaluate-run.ts';
import { readGroundTruth } from '../evaluation/ground-truth/index.ts';
import type { TruthOptions } from '../evaluation/ground-truth/ground-truth.ts';
import { OneAtATime } from '../process/one-at-a-time.ts';
import { inTurns } from '../results/in-turns.ts';
import type { RunSummary } from '../results/summary.ts';
import { openRun, type StoredRun } from '../results/stored-run.ts';
import { checkEdits } from '../tracking/check-edits.ts';
import { keepIdentities, restoreIdentities } from '../tracking/kept-tracks.ts';
import { editsPath, readTrackEdits } from '../tracking/stored-edits.ts';
import type { EditedIdentities, TrackEdit } from '../tracking/track-edits.ts';
import { RunIdentities, type FrameIdentities, type RunTracks } from '../tracking/run-tracks.ts';
import { pathsOfRun } from '../tracking/run-paths.ts';
import { stateOf, stateOfRun } from './file-states.ts';
import type { RunStore } from './run-store.ts';
import { timelineOf } from './run-timeline.ts';

/** Runs whose columns are kept in memory. */
const MOST_OPEN = 8;

type Followed = {
	identities: RunIdentities;
	/** Of the run when it was first followed. */
	stamp: string | null;
	/** Whether they lie beside the run, or are about to. */
	isKept: boolean;
	/** State of the file whose edits were applied last; null = none yet. */
	editsState: string | null;
	/** Where edits are read and changed. */
	editing: OneAtATime;
	following: OneAtATime;
};

/** Answers questions about stored runs, including those that are still growing. */
export class RunQueries {
	readonly #store: RunStore;
	readonly #pathOf: (identity: VideoIdentity) => string | null;
	readonly #open = new RecentMap<string, { run: StoredRun; state: string }>(MOST_OPEN);
	/** Identities in runs that were asked about. */
	readonly #followed = new RecentMap<string, Followed>(MOST_OPEN);

	readonly #paths = new RecentMap<
		string,
		{ edits: EditedIdentities; frames: number; paths: Promise<TrackPaths> }
	>(MOST_OPEN);

	readonly #edits = new OneAtATime();
	/** Runs that are being opened, by state: what is asked at once, as when a run ends, reads a long one once. */
	readonly #opening = new Map<string, Promise<StoredRun>>();
	/** What is written beside runs, by run. */
	readonly #keeping = new Map<string, Promise<void>>();

	/** `pathOf` gives the current path of a video; null if only the run knows one. */
	constructor(store: RunStore, pathOf: (identity: VideoIdentity) => string | null) {
		this.#store = store;
		this.#pathOf = pathOf;
	}

	/** The run as currently stored. */
	async run(runId: string): Promise<StoredRun> {
		const folder = await this.#store.folderOf(runId);
		const state = await stateOfRun(folder);
		const known = this.#open.get(runId);
		const run = known?.state === state ? known.run : await this.#read(runId, folder, state);
		const path = this.#pathOf(run.header.videoIdentity);
		if (path !== null) run.header.video = { ...run.header.video, path };
		this.#open.set(runId, { run, state });
		return run;
	}

	#read(runId: string, folder: string, state: string): Promise<StoredRun> {
		const key = `${runId} ${state}`;
		const begun = this.#opening.get(key);
		if (begun) return begun;
		const opening = openRun(folder)
			.then((run) => {
				this.#keep(runId, run.keepColumns());
				return run;
			})
			.finally(() => this.#opening.delete(key));
		this.#opening.set(key, opening);
		return opening;
	}

	/** Settles once nothing is written beside a run, or beside any. */
	async settled(runId?: string): Promise<void> {
		await (runId === undefined ? Promise.all(this.#keeping.values()) : this.#keeping.get(runId));
	}

	forget(runId: string): void {
		this.#open.delete(runId);
		this.#followed.delete(runId);
		this.#paths.delete(runId);
		this.#keeping.delete(runId);
	}

	async describe(runId: string): Promise<Omit<OpenedRun, 'entry'>> {
		const run = await this.run(runId);
		const { video, ...header } = run.header;
		return {
			header,
			events: [...run.events],
			frameCount: run.frameCount,
			mapKinds: run.mapKinds(),
		};
	}

	async summary(runId: string): Promise<RunSummary> {
		return (await this.run(runId)).summary();
	}

	/** The frames at positions `[from, from + count)`, as far as the run has them. */
	async frames(runId: string, from: number, count: number): Promise<FrameBatch> {
		return this.#upTo(runId, from + count, async (run) =>
			packFrameBatch(await inTurns(readResults(run, from, Math.min(from + count, run.frameCount)))),
		);
	}

	/** Maps of one kind at positions `[from, from + count)` as far as the run has them. */
	async maps(runId: string, from: number, count: number, kind: TokenMapKind): Promise<RunMaps> {
		return this.#upTo(runId, from + count, (run) => {
			const frames = Math.max(0, Math.min(count, run.frameCount - from));
			const tokens = tokenCount(run.header.grid);
			const answer: RunMaps = { known: new Uint8Array(frames), values: new Uint8Array(frames * tokens) };
			for (let f = 0; f < frames; f++) {
				const map = run.maps(from + f).find((candidate) => candidate.kind === kind);
				if (map?.values.length !== tokens) continue;
				answer.known[f] = 1;
				answer.values.set(map.values, f * tokens);
			}
			return answer;
		});
	}

	/** What `answer` makes of a run with its first `frames` frames. */
	async #upTo<T>(runId: string, frames: number, answer: (run: StoredRun) => T | Promise<T>): Promise<T> {
		const known = this.#open.get(runId)?.run;
		if (known && frames <= known.frameCount) {
			// What was there already need not be read again, unless another process went on from an earlier frame.
			try {
				return await answer(known);
			} catch {
				// Nor is it said that it is damaged before it was looked at anew.
			}
		}
		return answer(await this.run(runId));
	}

	/** The frames at positions `[from, from + count)`, as far as the run has them. */
	async timeline(runId: string, from: number, count: number): Promise<RunTimeline> {
		const run = await this.run(runId);
		const to = Math.min(from + count, run.frameCount);
		return timelineOf(run, { from: Math.min(from, to), to });
	}

	/** Detections per frame, of every class from `leastScore` on where that is lower than what the class needs. */
	async shownCounts(runId: string, leastScore: number): Promise<Uint32Array> {
		const run = await this.run(runId);
		return inTurns(run.countsReaching(loweredTo(leastScore, run.header.displayThresholds)));
	}

	/** The objects of a run, as far as it is stored. */
	async tracks(runId: string): Promise<RunTracks> {
		const run = await this.run(runId);
		return (await this.#follow(runId, run, run.frameCount)).identities.tracks();
	}

	/** Identities of the detections at positions `[from, from + count)`, as far as the run has them. */
	async identities(runId: string, from: number, count: number): Promise<FrameIdentities> {
		const run = await this.run(runId);
		const to = Math.min(from + count, run.frameCount);
		const { identities } = await this.#follow(runId, run, to);
		return identities.ofFrames(Math.min(from, to), to, (position) => run.frames.detectionCount[position]!);
	}

	/** Where the objects of a run were, as far as it is stored; kept, since zones that are drawn ask for it again and again. */
	async paths(runId: string): Promise<TrackPaths> {
		const run = await this.run(runId);
		const { identities } = await this.#follow(runId, run, run.frameCount);
		const { edits } = identities;
		const known = this.#paths.get(runId);
		if (known?.edits === edits && known.frames === run.frameCount) return known.paths;
		const paths = inTurns(pathsOfRun(run, identities));
		this.#paths.set(runId, { edits, frames: run.frameCount, paths });
		return paths;
	}

	/** What a person changed of the tracks. */
	async trackEdits(runId: string): Promise<TrackEdit[]> {
		return readTrackEdits((await this.run(runId)).folder);
	}

	/**
	 * Checks edits of tracks, has `store` keep them for the run in `folder`, and shows tracks with them from then on. Throws
	 * `edit-refused` and keeps what was there.
	 */
	async editTracks(
		runId: string,
		edits: readonly TrackEdit[],
		store: (folder: string) => Promise<void>,
	): Promise<void> {
		// In the order in which they came: opening a run may take the first one longer than the second.
		await this.#edits.do(async () => {
			const run = await this.run(runId);
			const followed = await this.#follow(runId, run, run.frameCount);
			await followed.editing.do(async () => {
				checkEdits(followed.identities.tracksFound(), run.frames.frameIndex, edits);
				await store(run.folder);
				followed.identities.edit(edits);
				followed.editsState = await stateOf([editsPath(run.folder)]);
			});
		});
	}

	/** Follows the objects of a run up to position `to`, under the edits that are stored. */
	async #follow(runId: string, run: StoredRun, to: number): Promise<Followed> {
		let followed = this.#followed.get(runId);
		if (!followed || !isOf(followed, run)) {
			const identities = new RunIdentities(run.header.displayThresholds);
			followed = {
				identities,
				stamp: run.stamp,
				isKept: false,
				editsState: null,
				editing: new OneAtATime(),
				following: new OneAtATime(),
			};
			this.#followed.set(runId, followed);
			void followed.following.do(() => restoreIdentities(run, identities));
		}
		const { identities, editing, following } = followed;
		await Promise.all([
			editing.do(() => readEdits(followed, run.folder)),
			following.do(() => inTurns(identities.follow(run, to))),
		]);
		if (followed.stamp !== null && identities.known === run.frameCount && !followed.isKept) {
			followed.isKept = true;
			this.#keep(runId, keepIdentities(run, identities));
		}
		return followed;
	}

	#keep(runId: string, written: Promise<void>): void {
		const before = this.#keeping.get(runId);
		this.#keeping.set(
			runId,
			Promise.all([before, written]).then(() => undefined),
		);
	}

	/**
	 * Throws `bad-argument` for runs without a common frame or class, and `truth-unreadable`. `besideIds` are the runs whose
	 * average precision is shown beside: it counts the classes that they all know.
	 */
	async agreement(
		runId: string,
		referenceRunId: string,
		truthFile: { path: string; options: TruthOptions } | null,
		besideIds: readonly string[],
	): Promise<RunAgreement> {
		const [run, reference] = [await this.run(runId), await this.run(referenceRunId)];
		const { f1, lost, gained, meanIou, leftOut, perFrame } = await inTurns(agreementSteps(run, reference));
		const truth = truthFile && readGroundTruth(truthFile.path, truthFile.options);
		const beside = truth ? await Promise.all(besideIds.map((id) => this.run(id))) : [];
		const evaluation = truth && evaluateRun(run, truth, beside);
		return {
			f1,
			lost,
			gained,
			meanIou,
			leftOut,
			perFrame: {
				frameIndices: perFrame.frameIndex,
				f1: perFrame.f1,
				lost: Uint16Array.from(perFrame.lost),
				gained: Uint16Array.from(perFrame.gained),
				meanIou: perFrame.meanIou,
			},
			averagePrecision50: evaluation && evaluation.mean.ap50,
			truth: evaluation && coverageOf(evaluation),
		};
	}
}

function* readResults(run: StoredRun, from: number, to: number): Generator<void, FrameResult[]> {
	const results: FrameResult[] = [];
	for (let position = from; position < to; position++) {
		results.push(run.result(position));
		yield;
	}
	return results;
}

/**
 * Whether what was followed is of a run as it is, or of what it has grown from. An interrupted run may be resumed from an earlier frame
 * than its last one, with other boxes.
 */
function isOf({ identities, stamp }: Followed, run: StoredRun): boolean {
	return identities.known <= run.frameCount && (stamp === null || stamp === run.stamp);
}

/** Applies the stored edits where their file has changed: the command line edits tracks as well. */
async function readEdits(followed: Followed, folder: string): Promise<void> {
	const state = await stateOf([editsPath(folder)]);
	if (state === followed.editsState) return;
	followed.identities.edit(await readTrackEdits(folder));
	followed.editsState = state;
}

import { existsSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { assert, UserFacingError } from '../domain/errors.ts';
import {
	continuedChanges,
	type Execution,
	type ExecutionChange,
	lastExecution,
} from '../domain/execution.ts';
import type { FrameResult } from '../domain/frame-result.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import type { RunHeader, RunStatus, SettingEvent } from '../domain/run.ts';
import type { DecodeSummary } from '../domain/video.ts';
import {
	encodeBatch,
	LASTING_STREAMS,
	OPTIONAL_STREAMS,
	type OptionalStream,
	STREAM_END,
	STREAM_HEADS,
	streamRecord,
	STREAMS,
	type StreamName,
} from './columns.ts';
import { NO_COMMIT, readJournal, type Commit, type CommitJournal } from './commit-journal.ts';
import { LEAST_FRAMES, removeDerived } from './derived-file.ts';
import { headerText, readEvents, readHeader, readStatus } from './header.ts';
import { makeFolder } from '../process/make-folder.ts';
import { OneAtATime } from '../process/one-at-a-time.ts';
import { onDisk, replaceFile, RUN_FILES, streamFile, writeFully } from './run-folder.ts';
import { openRun } from './stored-run.ts';
import { encodeSnapshot, readSnapshot, type Snapshot } from './state-file.ts';

/** A batch is stored once it has this many frames, or when a frame arrives and its first one is this old. */
export const BATCH_FRAMES = 64;
export const BATCH_MILLISECONDS = 1000;
const SNAPSHOT_MILLISECONDS = 30_000;

export type RunOutcome = {
	/** Null if the source was not read to its end. */
	decode: DecodeSummary | null;
	error: string | null;
	/** Seconds since this writer was made or resumed; earlier sittings are added to it. */
	wallSeconds: number;
	/** The engine's state after the last frame, so that a cancelled run resumes exactly there. */
	state: NamedArrays | null;
};

export type ResumedRun = {
	writer: RunWriter;
	header: RunHeader;
	/** The frame after which to continue; -1: from the beginning of the range. */
	lastFrameIndex: number;
	/** The engine's state after that frame; null: start empty. */
	state: NamedArrays | null;
	/** All changes, including later ones: replay them without recording them again. */
	events: SettingEvent[];
};

/**
 * Stores a run while it is computed. However the process ends, all batches up to the last one can be read.
 *
 * Order of writing: a batch goes to the streams, then a line in the journal commits it; anything after the last commit
 * is ignored. That is enough if the process dies, because the system keeps what it was given. Only a power loss can
 * reorder writes: therefore streams and journal are flushed to disk (fdatasync) at every snapshot and at the end.
 * Flushing at every batch would let slow disks set the pace; batches since the last flush carry checksums that the
 * reader verifies. Memory holds one batch.
 *
 * A batch that could not be stored (full disk) stays in memory and is retried with the next call, at the same position.
 * Calls may overlap; they are executed in order.
 */
export class RunWriter {
	readonly #folder: string;
	readonly #streams: StreamHandles;
	readonly #journal: FileHandle;
	readonly #events: FileHandle;
	readonly #startedAt = performance.now();
	readonly #earlierSeconds: number;
	readonly #executionChanges: readonly ExecutionChange[];
	#committed: Commit;
	#journalBytes: number;
	#eventBytes: number;
	#pending: FrameResult[] = [];
	#pendingSince = 0;
	#snapshotAt = performance.now();
	#snapshotFrames: number;
	#nextSlot: number;
	readonly #calls = new OneAtATime();

	private constructor(
		folder: string,
		files: RunFileHandles,
		start: {
			commit: Commit;
			journalBytes: number;
			eventBytes: number;
			nextSlot: number;
			executionChanges: readonly ExecutionChange[];
		},
	) {
		this.#folder = folder;
		this.#streams = files.streams;
		this.#journal = files.journal;
		this.#events = files.events;
		this.#committed = start.commit;
		this.#earlierSeconds = start.commit.wallSeconds;
		this.#journalBytes = start.journalBytes;
		this.#eventBytes = start.eventBytes;
		this.#snapshotFrames = start.commit.frames;
		this.#nextSlot = start.nextSlot;
		this.#executionChanges = start.executionChanges;
	}

	/**
	 * Makes the folder (and its parents) with an empty run. Throws `run-exists` if it already holds one; leftovers of an
	 * interrupted creation are overwritten.
	 */
	static async create(folder: string, header: RunHeader): Promise<RunWriter> {
		if (existsSync(join(folder, RUN_FILES.header))) {
			throw new UserFacingError(
				'run-exists',
				`${folder}: an empty or new folder was expected (it holds a run).`,
				{
					remedy:
						'Choose another folder (--out), go on with that run (--resume), or replace it (--overwrite).',
				},
			);
		}
		makeFolder(folder);
		const files = await openFiles(folder, 'w');
		try {
			for (const stream of LASTING_STREAMS) {
				await onDisk(join(folder, streamFile(stream)), () =>
					writeFully(files.streams[stream], STREAM_HEADS[stream], 0),
				);
			}
			await removeSnapshotsBut(folder, -1);
			await removeDerived(folder);
			const start = {
				commit: NO_COMMIT,
				journalBytes: 0,
				eventBytes: 0,
				nextSlot: 0,
				executionChanges: [],
			};
			const writer = new RunWriter(folder, files, start);
			await writer.#putStatus('running', null, null, 0);
			// The header comes last: a folder with a header is a run.
			await replaceFile(folder, RUN_FILES.header, Buffer.from(headerText(header)));
			return writer;
		} catch (error) {
			await closeFiles(files);
			throw error;
		}
	}

	/**
	 * Opens an unfinished run to continue it. Everything after its newest valid snapshot (everything, if there is none)
	 * is cut off: the engine will compute the same again. `execution` computes what follows; null = what computed the end.
	 * `grown`: the video as it is now, if it is longer than when the run ended. Throws `resume-mismatch` for a complete run of
	 * a video that has not grown, and `run-unreadable` if there is none.
	 */
	static async resume(
		folder: string,
		execution: Execution | null = null,
		grown: Pick<RunHeader, 'video' | 'videoIdentity'> | null = null,
	): Promise<ResumedRun> {
		const header = { ...(await readHeader(folder)), ...grown };
		const journal = await readJournal(folder);
		const status = await readStatus(folder);
		if (!grown && status?.state === 'complete' && status.framesStored === journal.last.frames) {
			throw new UserFacingError(
				'resume-mismatch',
				`${folder}: an unfinished run was expected (this one is complete, there is nothing left to do).`,
			);
		}
		const { slot, snapshot } = await newestSnapshot(folder, journal);
		const kept = journal.countUpTo(snapshot?.framesStored ?? 0);
		const commit = journal.at(kept - 1);
		const { events, bytes: eventBytes } = await readEvents(folder);
		const journalBytes = kept > 0 ? journal.journalBytes[kept - 1]! : 0;

		const begun = OPTIONAL_STREAMS.filter((stream) => commit.bytes[stream] > 0);
		const files = await openFiles(folder, 'r+', begun);
		try {
			await removeSnapshotsBut(folder, slot);
			await removeDerived(folder);
			// The journal first: what it does not commit is ignored, wherever this is interrupted.
			await files.journal.truncate(journalBytes);
			for (const stream of STREAMS) await files.streams[stream]?.truncate(commit.bytes[stream]);
			await files.events.truncate(eventBytes);
			const nextSlot = slot === 0 ? 1 : 0;
			const changes = status?.executionChanges ?? [];
			const executionChanges = continuedChanges(
				header,
				changes,
				commit.lastFrameIndex,
				execution ?? lastExecution(header, changes),
			);
			const start = { commit, journalBytes, eventBytes, nextSlot, executionChanges };
			const writer = new RunWriter(folder, files, start);
			await writer.#putStatus('running', null, null, commit.wallSeconds);
			if (grown) await replaceFile(folder, RUN_FILES.header, Buffer.from(headerText(header)));
			return {
				writer,
				header,
				lastFrameIndex: commit.lastFrameIndex,
				state: snapshot?.state ?? null,
				events,
			};
		} catch (error) {
			await closeFiles(files);
			throw error;
		}
	}

	/** Frames appended, including those of the unfinished batch. */
	get framesStored(): number {
		return this.#committed.frames + this.#pending.length;
	}

	/** Whether the last snapshot is old enough for a new one. */
	get wantsSnapshot(): boolean {
		const due = performance.now() - this.#snapshotAt >= SNAPSHOT_MILLISECONDS;
		return due && this.framesStored > this.#snapshotFrames;
	}

	/** Takes the next frame, which must not be modified afterwards. Frames come in ascending order. */
	append(result: FrameResult): Promise<void> {
		return this.#calls.do(async () => {
			const last = this.#pending.at(-1)?.frameIndex ?? this.#committed.lastFrameIndex;
			assert(
				result.frameIndex > last,
				`frames are stored in order (got ${result.frameIndex} behind ${last})`,
			);
			if (this.#pending.length === 0) this.#pendingSince = performance.now();
			this.#pending.push(result);
			const age = performance.now() - this.#pendingSince;
			if (this.#pending.length >= BATCH_FRAMES || age >= BATCH_MILLISECONDS) await this.#commit(false);
		});
	}

	/** Stores the unfinished batch now, for pauses. */
	commit(): Promise<void> {
		return this.#calls.do(() => this.#commit(false));
	}

	/** Notes a change of settings; it is on the disk when this returns. */
	recordEvent(event: SettingEvent): Promise<void> {
		return this.#calls.do(() =>
			onDisk(join(this.#folder, RUN_FILES.events), async () => {
				const line = Buffer.from(`${JSON.stringify(event)}\n`);
				await writeFully(this.#events, line, this.#eventBytes);
				await this.#events.datasync();
				this.#eventBytes += line.length;
			}),
		);
	}

	/** Stores the unfinished batch, then `state`, the engine's state after the last appended frame. */
	snapshot(state: NamedArrays): Promise<void> {
		return this.#calls.do(() => this.#snapshot(state));
	}

	/**
	 * Ends the run and closes its files; the writer cannot be used afterwards. Snapshots of a complete run are deleted. A
	 * failed run is ended as far as the disk allows, without another error: the journal says what is stored. Others get a file of
	 * columns if they are long.
	 */
	close(state: 'complete' | 'cancelled' | 'failed', outcome: RunOutcome): Promise<void> {
		return this.#calls.do(async () => {
			try {
				await this.#end(state, outcome);
			} catch (error) {
				if (state !== 'failed') throw error;
			} finally {
				await closeFiles({ streams: this.#streams, journal: this.#journal, events: this.#events });
			}
			if (state === 'failed' || this.#committed.frames < LEAST_FRAMES) return;
			const run = await openRun(this.#folder).catch(() => null);
			await run?.keepColumns();
		});
	}

	async #end(state: 'complete' | 'cancelled' | 'failed', outcome: RunOutcome): Promise<void> {
		if (outcome.state && state !== 'complete' && this.framesStored > 0) await this.#snapshot(outcome.state);
		else await this.#commit(true);
		for (const stream of STREAMS) {
			if (!this.#streams[stream]) continue;
			await this.#put(stream, STREAM_END);
			await this.#flush(stream);
		}
		await this.#putStatus(state, outcome.decode, outcome.error, this.#earlierSeconds + outcome.wallSeconds);
		if (state === 'complete') await removeSnapshotsBut(this.#folder, -1);
	}

	async #commit(durable: boolean): Promise<void> {
		const batch = this.#pending;
		if (batch.length === 0 && (!durable || this.#committed.durable)) return;
		const parts = batch.length > 0 ? encodeBatch(batch) : streamRecord(() => new Uint8Array(0));
		for (const stream of OPTIONAL_STREAMS) {
			if (parts[stream].length > 0 && this.#committed.bytes[stream] === 0) await this.#begin(stream, parts);
		}
		for (const stream of STREAMS) {
			await this.#put(stream, parts[stream]);
			if (durable) await this.#flush(stream);
		}
		const commit: Commit = {
			frames: this.#committed.frames + batch.length,
			lastFrameIndex: batch.at(-1)?.frameIndex ?? this.#committed.lastFrameIndex,
			wallSeconds: this.#earlierSeconds + (performance.now() - this.#startedAt) / 1000,
			bytes: streamRecord((stream) => this.#committed.bytes[stream] + parts[stream].length),
			crc32: streamRecord((stream) => crc32(parts[stream])),
			durable,
		};
		await onDisk(join(this.#folder, RUN_FILES.commits), async () => {
			const line = Buffer.from(`${JSON.stringify(commit)}\n`);
			await writeFully(this.#journal, line, this.#journalBytes);
			if (durable) await this.#journal.datasync();
			this.#journalBytes += line.length;
		});
		this.#committed = commit;
		this.#pending = [];
	}

	/** The first batch with something for an optional stream creates its file and starts it with the stream's head. */
	async #begin(stream: OptionalStream, parts: Record<StreamName, Uint8Array>): Promise<void> {
		this.#streams[stream] ??= await openStream(this.#folder, stream, 'w');
		parts[stream] = Buffer.concat([STREAM_HEADS[stream], parts[stream]]);
	}

	/** Writes after the committed bytes, over what a failed attempt left. */
	async #put(stream: StreamName, bytes: Uint8Array): Promise<void> {
		const handle = this.#streams[stream];
		if (!handle) return; // an optional stream that there is nothing for
		await onDisk(join(this.#folder, streamFile(stream)), () =>
			writeFully(handle, bytes, this.#committed.bytes[stream]),
		);
	}

	async #flush(stream: StreamName): Promise<void> {
		await onDisk(join(this.#folder, streamFile(stream)), async () => this.#streams[stream]?.datasync());
	}

	async #snapshot(state: NamedArrays): Promise<void> {
		assert(this.framesStored > 0, 'a snapshot stands behind a stored frame');
		await this.#commit(true);
		const { frames, lastFrameIndex } = this.#committed;
		const parts = encodeSnapshot({ framesStored: frames, lastFrameIndex, state });
		await replaceFile(this.#folder, RUN_FILES.snapshots[this.#nextSlot]!, parts);
		this.#nextSlot = 1 - this.#nextSlot;
		this.#snapshotFrames = frames;
		this.#snapshotAt = performance.now();
	}

	async #putStatus(
		state: RunStatus['state'],
		decode: DecodeSummary | null,
		error: string | null,
		wallSeconds: number,
	): Promise<void> {
		const { frames: framesStored, lastFrameIndex } = this.#committed;
		const status: RunStatus = {
			state,
			framesStored,
			lastFrameIndex,
			wallSeconds,
			decode,
			error,
			executionChanges: this.#executionChanges,
		};
		await replaceFile(this.#folder, RUN_FILES.status, Buffer.from(`${JSON.stringify(status, null, '\t')}\n`));
	}
}

type StreamHandles = Record<(typeof LASTING_STREAMS)[number], FileHandle> &
	Record<OptionalStream, FileHandle | null>;
type RunFileHandles = { streams: StreamHandles; journal: FileHandle; events: FileHandle };

/** `begun`: the optional streams that have a file already; uncommitted ones are removed. */
async function openFiles(
	folder: string,
	flags: 'w' | 'r+',
	begun: readonly OptionalStream[] = [],
): Promise<RunFileHandles> {
	const opened: FileHandle[] = [];
	const noted = async (handle: Promise<FileHandle>) => {
		opened.push(await handle);
		return handle;
	};
	const stream = (name: StreamName) => noted(openStream(folder, name, flags));
	const file = (name: string) => noted(openFile(folder, name, flags));
	try {
		for (const name of OPTIONAL_STREAMS) {
			if (begun.includes(name)) continue;
			const path = join(folder, streamFile(name));
			await onDisk(path, () => rm(path, { force: true }));
		}
		return {
			streams: {
				frames: await stream('frames'),
				detections: await stream('detections'),
				tokens: await stream('tokens'),
				maps: begun.includes('maps') ? await stream('maps') : null,
				drift: begun.includes('drift') ? await stream('drift') : null,
				camera: begun.includes('camera') ? await stream('camera') : null,
			},
			journal: await file(RUN_FILES.commits),
			events: await file(RUN_FILES.events),
		};
	} catch (error) {
		for (const handle of opened) await handle.close();
		throw error;
	}
}

function openStream(folder: string, stream: StreamName, flags: 'w' | 'r+'): Promise<FileHandle> {
	return openFile(folder, streamFile(stream), flags);
}

function openFile(folder: string, name: string, flags: 'w' | 'r+'): Promise<FileHandle> {
	return onDisk(join(folder, name), () => open(join(folder, name), flags));
}

async function closeFiles({ streams, journal, events }: RunFileHandles): Promise<void> {
	for (const handle of [...Object.values(streams), journal, events]) await handle?.close();
}

/** The newest valid snapshot of frames that are stored, and its slot; slot -1 if there is none. */
async function newestSnapshot(
	folder: string,
	journal: CommitJournal,
): Promise<{ slot: number; snapshot: Snapshot | null }> {
	let newest: { slot: number; snapshot: Snapshot | null } = { slot: -1, snapshot: null };
	for (const [slot, name] of RUN_FILES.snapshots.entries()) {
		const snapshot = await readSnapshot(folder, name);
		if (!snapshot || snapshot.framesStored <= (newest.snapshot?.framesStored ?? 0)) continue;
		const commit = journal.at(journal.countUpTo(snapshot.framesStored) - 1);
		if (commit.frames !== snapshot.framesStored || commit.lastFrameIndex !== snapshot.lastFrameIndex)
			continue;
		newest = { slot, snapshot };
	}
	return newest;
}

/** A snapshot that was not resumed from must not be found later, when other batches have been stored. */
async function removeSnapshotsBut(folder: string, keptSlot: number): Promise<void> {
	for (const [slot, name] of RUN_FILES.snapshots.entries()) {
		if (slot !== keptSlot) await onDisk(join(folder, name), () => rm(join(folder, name), { force: true }));
	}
}

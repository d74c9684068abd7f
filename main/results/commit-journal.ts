import { open, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { firstIndex } from '../domain/first-index.ts';
import { isOptional, STREAM_HEADS, streamRecord, STREAMS, type StreamName } from './columns.ts';
import { parseJson, wholeLines } from './header.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import { readBytes, RUN_FILES, streamFile, unreadable } from './run-folder.ts';

/**
 * One line of `commits.jsonl`, written once a batch is in all streams. Bytes beyond the last line are ignored, so that
 * a partly written batch is never read.
 */
export type Commit = {
	/** Frames stored so far. */
	frames: number;
	/** -1 where there is none. */
	lastFrameIndex: number;
	/** Seconds of work so far, over all sittings. */
	wallSeconds: number;
	/** Length of each stream so far. */
	bytes: Record<StreamName, number>;
	/** CRC-32 of what this batch added to each stream. */
	crc32: Record<StreamName, number>;
	/** Whether the streams had reached the disk, not only the system's memory, before this line was written. */
	durable: boolean;
};

/** The state of a run before its first batch: streams that hold their heads, and optional ones that have not begun. */
export const NO_COMMIT: Commit = {
	frames: 0,
	lastFrameIndex: -1,
	wallSeconds: 0,
	bytes: streamRecord((stream) => (isOptional(stream) ? 0 : STREAM_HEADS[stream].length)),
	crc32: streamRecord(() => 0),
	durable: false,
};

/** Most bytes of a stream that are read at once; a batch with more is read alone. */
const SPAN_BYTES = 1 << 20;

// Runs stored by earlier versions have no optional streams, or fewer.
const perStream = z.object({
	frames: z.int(),
	detections: z.int(),
	tokens: z.int(),
	maps: z.int().default(0),
	drift: z.int().default(0),
	camera: z.int().default(0),
});
const commitLine = z.object({
	frames: z.int(),
	lastFrameIndex: z.int(),
	wallSeconds: z.number(),
	bytes: perStream,
	crc32: perStream,
	durable: z.boolean(),
}) satisfies z.ZodType<Commit>;

/** The commits of a run, oldest first, kept in columns: a long run has many. */
export class CommitJournal {
	/** Frames stored up to and including each commit; never decreases. */
	readonly frames: number[] = [];
	/** Length of the journal's file up to and including each commit. */
	readonly journalBytes: number[] = [];
	readonly #lastFrameIndices: number[] = [];
	readonly #wallSeconds: number[] = [];
	/** 0 or 1. */
	readonly #durable: number[] = [];
	readonly #bytes = streamRecord((): number[] => []);
	readonly #crc32 = streamRecord((): number[] => []);

	get count(): number {
		return this.frames.length;
	}

	get last(): Commit {
		return this.at(this.count - 1);
	}

	/** Commit `i`; `NO_COMMIT` for -1. */
	at(i: number): Commit {
		if (i < 0) return NO_COMMIT;
		return {
			frames: this.frames[i]!,
			lastFrameIndex: this.#lastFrameIndices[i]!,
			wallSeconds: this.#wallSeconds[i]!,
			bytes: streamRecord((stream) => this.#bytes[stream][i]!),
			crc32: streamRecord((stream) => this.#crc32[stream][i]!),
			durable: this.#durable[i] === 1,
		};
	}

	/** How many commits hold at most `frames` frames; they are the first ones. */
	countUpTo(frames: number): number {
		return firstIndex(this.count, (i) => this.frames[i]! > frames);
	}

	/** The bytes [from, to) that commits [first, last] added to a stream. */
	span(stream: StreamName, first: number, last: number): { from: number; to: number } {
		const column = this.#bytes[stream];
		return { from: first > 0 ? column[first - 1]! : NO_COMMIT.bytes[stream], to: column[last]! };
	}

	/** Up to which commit (excluded) the bytes of a stream, from commit `first` on, can be read at once. */
	spanEnd(stream: StreamName, first: number): number {
		const column = this.#bytes[stream];
		const { from } = this.span(stream, first, first);
		let end = first + 1;
		while (end < this.count && column[end]! - from <= SPAN_BYTES) end++;
		return end;
	}

	/** Whether `bytes` are what commit `i` added to a stream. */
	vouchesFor(stream: StreamName, i: number, bytes: Uint8Array): boolean {
		return crc32(bytes) === this.#crc32[stream][i]!;
	}

	add(commit: Commit, lineBytes: number): void {
		this.journalBytes.push((this.journalBytes.at(-1) ?? 0) + lineBytes);
		this.frames.push(commit.frames);
		this.#lastFrameIndices.push(commit.lastFrameIndex);
		this.#wallSeconds.push(commit.wallSeconds);
		this.#durable.push(commit.durable ? 1 : 0);
		for (const stream of STREAMS) {
			this.#bytes[stream].push(commit.bytes[stream]);
			this.#crc32[stream].push(commit.crc32[stream]);
		}
	}

	/** Drops everything after the first `count` commits. */
	cutTo(count: number): void {
		for (const column of this.#columns().values()) column.length = count;
	}

	/** All of it in arrays. */
	toArrays(): NamedArrays {
		return Object.fromEntries(
			Array.from(this.#columns(), ([name, column]) => [name, Float64Array.from(column)]),
		);
	}

	/** The journal that `toArrays` gave; null where the arrays are those of no journal. */
	static fromArrays(arrays: NamedArrays): CommitJournal | null {
		const journal = new CommitJournal();
		for (const [name, column] of journal.#columns()) {
			for (const value of arrays[name] ?? []) column.push(value);
			if (column.length !== journal.count) return null;
		}
		const growing = [journal.frames, ...Object.values(journal.#bytes)];
		const grows = growing.every((column) => column.every((value, i) => i === 0 || value >= column[i - 1]!));
		return grows ? journal : null;
	}

	#columns(): Map<string, number[]> {
		return new Map([
			['commits.frames', this.frames],
			['commits.journalBytes', this.journalBytes],
			['commits.lastFrameIndex', this.#lastFrameIndices],
			['commits.wallSeconds', this.#wallSeconds],
			['commits.durable', this.#durable],
			...STREAMS.map((stream) => [`commits.bytes.${stream}`, this.#bytes[stream]] as const),
			...STREAMS.map((stream) => [`commits.crc32.${stream}`, this.#crc32[stream]] as const),
		]);
	}
}

/**
 * The valid commits of a run: complete lines, streams at least that long, and, after the last durable one, bytes with
 * the right checksum. If only the process died, all are valid; after a power loss the journal may have reached the disk
 * before the batches it describes.
 */
export async function readJournal(folder: string, text?: Buffer | null): Promise<CommitJournal> {
	const journal = new CommitJournal();
	const bytes = text === undefined ? await readJournalText(folder) : text;
	for (const line of wholeLines(bytes?.toString('utf8') ?? '')) {
		const commit = commitLine.safeParse(parseJson(line));
		if (!commit.success || !follows(journal.last, commit.data)) break;
		journal.add(commit.data, Buffer.byteLength(line) + 1);
	}
	for (const stream of streamsOf(journal)) {
		const length = await fileLength(join(folder, streamFile(stream)));
		while (journal.count > 0 && journal.last.bytes[stream] > length) journal.cutTo(journal.count - 1);
	}
	await cutBehindDamage(folder, journal);
	return journal;
}

/** The bytes of `commits.jsonl`; null where it does not exist. */
export function readJournalText(folder: string): Promise<Buffer | null> {
	return readBytes(folder, RUN_FILES.commits);
}

/** Whether all streams are as long as a journal says. */
export async function streamsReach(folder: string, journal: CommitJournal): Promise<boolean> {
	for (const stream of streamsOf(journal)) {
		if (journal.last.bytes[stream] > (await fileLength(join(folder, streamFile(stream))))) return false;
	}
	return true;
}

async function cutBehindDamage(folder: string, journal: CommitJournal): Promise<void> {
	let firstDoubtful = journal.count;
	while (firstDoubtful > 0 && !journal.at(firstDoubtful - 1).durable) firstDoubtful--;
	if (firstDoubtful === journal.count) return;
	for (const stream of streamsOf(journal)) {
		const handle = await open(join(folder, streamFile(stream)));
		try {
			for (let i = firstDoubtful; i < journal.count; i++) {
				const { from, to } = journal.span(stream, i, i);
				if (!journal.vouchesFor(stream, i, await readSpan(handle, from, to))) journal.cutTo(i);
			}
		} finally {
			await handle.close();
		}
	}
}

/** The streams that have a file. */
function streamsOf(journal: CommitJournal): StreamName[] {
	return STREAMS.filter((stream) => !isOptional(stream) || journal.last.bytes[stream] > 0);
}

function follows(before: Commit, commit: Commit): boolean {
	return (
		commit.frames >= before.frames &&
		commit.lastFrameIndex >= before.lastFrameIndex &&
		STREAMS.every((stream) => commit.bytes[stream] >= before.bytes[stream])
	);
}

async function readSpan(handle: FileHandle, from: number, to: number): Promise<Uint8Array> {
	const bytes = new Uint8Array(to - from);
	let done = 0;
	while (done < bytes.length) {
		const { bytesRead } = await handle.read(bytes, done, bytes.length - done, from + done);
		if (bytesRead === 0) break;
		done += bytesRead;
	}
	return bytes;
}

async function fileLength(path: string): Promise<number> {
	try {
		return (await stat(path)).size;
	} catch (error) {
		throw unreadable(path, 'a file of the run was expected', error);
	}
}

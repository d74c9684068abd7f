import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { RecentMap } from '../domain/recent-map.ts';
import { decodeBatches, type Batch } from './batch.ts';
import type { StreamName } from './columns.ts';
import type { CommitJournal } from './commit-journal.ts';
import { streamFile } from './run-folder.ts';

/** Batches that were asked for out of order, and are kept for when they are asked for again. */
const KEPT = 16;

/** The bytes of batches `first` up to `end` (excluded), which begin at `from`, and the batches that were asked for. */
type Span = { first: number; end: number; from: number; bytes: Uint8Array; batches: (Batch | null)[] };

/** Reads the batches of a stream when they are asked for: more and more at once where they are asked for in order. */
export class BatchReader {
	readonly #path: string;
	readonly #stream: StreamName;
	readonly #journal: CommitJournal;
	readonly #damaged: (i: number) => Error;
	/** What was read last. */
	#span: Span | null = null;
	readonly #kept = new RecentMap<number, Span>(KEPT);

	/** `damaged` says that batch `i` is not what the journal vouches for. */
	constructor(folder: string, stream: StreamName, journal: CommitJournal, damaged: (i: number) => Error) {
		this.#path = join(folder, streamFile(stream));
		this.#stream = stream;
		this.#journal = journal;
		this.#damaged = damaged;
	}

	/** What commit `i` added to the stream; null for nothing. */
	batch(i: number): Batch | null {
		const span = this.#spanWith(i);
		const known = span.batches[i - span.first];
		if (known !== undefined) return known;
		const { from, to } = this.#journal.span(this.#stream, i, i);
		const bytes = span.bytes.subarray(from - span.from, to - span.from);
		if (!this.#journal.vouchesFor(this.#stream, i, bytes)) throw this.#damaged(i);
		const batch = decodeBatches(this.#stream, bytes, this.#path).next().value ?? null;
		span.batches[i - span.first] = batch;
		return batch;
	}

	#spanWith(i: number): Span {
		const last = this.#span;
		if (last && i >= last.first && i < last.end) return last;
		const kept = this.#kept.get(i);
		if (kept) return kept;
		if (last?.end === i) return (this.#span = this.#read(i, 2 * (last.end - last.first)));
		this.#span = this.#read(i, 1);
		this.#kept.set(i, this.#span);
		return this.#span;
	}

	/** Up to `most` batches. */
	#read(first: number, most: number): Span {
		const end = Math.min(first + most, this.#journal.spanEnd(this.#stream, first));
		const { from, to } = this.#journal.span(this.#stream, first, end - 1);
		const bytes = new Uint8Array(to - from);
		if (to > from) {
			const file = openSync(this.#path, 'r');
			try {
				readSync(file, bytes, 0, bytes.length, from);
			} finally {
				closeSync(file);
			}
		}
		return { first, end, from, bytes, batches: [] };
	}
}

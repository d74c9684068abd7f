import type { CatalogFile } from './catalog-file.ts';

/** How far a download of one or more files has come. */
export type DownloadProgress = {
	bytes: number;
	/** Null while a size is unknown. */
	totalBytes: number | null;
	bytesPerSecond: number;
	secondsLeft: number | null;
};

const TELL_MILLISECONDS = 200;
/** The rate is that of about so many last milliseconds. */
const MEMORY_MILLISECONDS = 4000;

/** Adds up the files of a model, and tells a few times a second how it goes. */
export class ProgressRate {
	readonly #tell: (progress: DownloadProgress) => void;
	readonly #files: Map<string, { have: number; total: number | null }>;
	readonly #now: () => number;
	#told = Number.NEGATIVE_INFINITY;
	#last: { at: number; bytes: number } | null = null;
	#rate = 0;
	#timer: NodeJS.Timeout | null = null;

	constructor(
		files: readonly CatalogFile[],
		tell: (progress: DownloadProgress) => void,
		now: () => number = () => performance.now(),
	) {
		this.#tell = tell;
		this.#now = now;
		this.#files = new Map(files.map(({ name, bytes }) => [name, { have: 0, total: bytes }]));
	}

	update(name: string, have: number, total: number | null): void {
		const known = this.#files.get(name)?.total ?? null;
		this.#files.set(name, { have, total: total ?? known });
		if (this.#now() - this.#told >= TELL_MILLISECONDS) this.#tellNow();
		// What comes before a silence is told as well.
		else this.#timer ??= setTimeout(() => this.#tellNow(), TELL_MILLISECONDS);
	}

	/** Tells at once. */
	done(name: string, bytes: number): void {
		this.#files.set(name, { have: bytes, total: bytes });
		this.#tellNow();
	}

	/** Tells nothing more. */
	close(): void {
		clearTimeout(this.#timer ?? undefined);
	}

	#tellNow(): void {
		this.close();
		this.#timer = null;
		this.#told = this.#now();
		this.#tell(this.#progress(this.#told));
	}

	#progress(now: number): DownloadProgress {
		const files = [...this.#files.values()];
		const bytes = files.reduce((sum, { have }) => sum + have, 0);
		const totalBytes = files.some(({ total }) => total === null)
			? null
			: files.reduce((sum, { total }) => sum + total!, 0);
		if (this.#last && now > this.#last.at) {
			const elapsed = now - this.#last.at;
			const fresh = (1000 * Math.max(0, bytes - this.#last.bytes)) / elapsed;
			const weight = this.#rate === 0 ? 1 : Math.min(1, elapsed / MEMORY_MILLISECONDS);
			this.#rate += weight * (fresh - this.#rate);
		}
		this.#last = { at: now, bytes };
		const left = totalBytes === null ? null : totalBytes - bytes;
		return {
			bytes,
			totalBytes,
			bytesPerSecond: this.#rate,
			secondsLeft: left === null || this.#rate === 0 ? null : left / this.#rate,
		};
	}
}

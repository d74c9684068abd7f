import { z } from 'zod';
import { OneAtATime } from '../process/one-at-a-time.ts';
import { readJsonFile, writeJsonFile } from '../process/json-file.ts';

const MOST_RECENT = 20;

const recentFile = z.array(z.string().min(1));

/** The files of one kind that were used last, newest first, as a file keeps them from one session to the next. */
export class RecentFiles {
	readonly #path: string;
	readonly #contentOf: (files: readonly string[]) => unknown;
	readonly #writes = new OneAtATime();
	#files: readonly string[];
	/** Whether the file holds them. */
	#isStored = true;

	/** `files` are those that the file at `path` holds, in the form that `contentOf` gives them. */
	constructor(
		path: string,
		files: readonly string[],
		contentOf = (files: readonly string[]): unknown => files,
	) {
		this.#path = path;
		this.#files = files.slice(0, MOST_RECENT);
		this.#contentOf = contentOf;
	}

	/** Reads the list at `path`; empty where there is none, or it can't be read. */
	static async load(path: string): Promise<RecentFiles> {
		return new RecentFiles(path, (await readJsonFile(path, recentFile)) ?? []);
	}

	/** Absolute paths. */
	get files(): readonly string[] {
		return this.#files;
	}

	/** Puts a file at the top. */
	async remember(file: string): Promise<void> {
		if (this.#files[0] === file && this.#isStored) return;
		await this.#store([file, ...this.#files.filter((other) => other !== file)].slice(0, MOST_RECENT));
	}

	async forget(file: string): Promise<void> {
		await this.#store(this.#files.filter((other) => other !== file));
	}

	async #store(files: readonly string[]): Promise<void> {
		this.#files = files;
		this.#isStored = false;
		// Failing to store the list must not prevent using a file.
		await this.#writes
			.do(() => writeJsonFile(this.#path, this.#contentOf(files)))
			.then(
				() => (this.#isStored = this.#files === files),
				() => undefined,
			);
	}
}

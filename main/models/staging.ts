import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserFacingError } from '../domain/errors.ts';
import { makeFolder } from '../process/make-folder.ts';
import { writingError } from './disk.ts';

const PREFIX = '.part-';

/**
 * A hidden folder in which a model becomes whole, and which then takes its place in one step. It outlives the process, so that
 * what was loaded is gone on with; a lock beside it keeps two from working in it.
 */
export class Staging {
	readonly folder: string;
	readonly #target: string;
	readonly #lock: string;

	private constructor(modelsFolder: string, id: string) {
		this.folder = join(modelsFolder, `${PREFIX}${id}`);
		this.#lock = join(modelsFolder, `${PREFIX}${id}.lock`);
		this.#target = join(modelsFolder, id);
	}

	/** Throws `bad-argument` where the model is there already, or somebody else is getting it. */
	static async enter(modelsFolder: string, id: string): Promise<Staging> {
		const staging = new Staging(modelsFolder, id);
		if (await stat(staging.#target).catch(() => null)) {
			throw new UserFacingError('bad-argument', `${staging.#target} is there already.`, {
				remedy: `Remove the model ${id} first, or give the new one another name.`,
			});
		}
		try {
			makeFolder(staging.folder);
		} catch (error) {
			throw writingError(staging.folder, error);
		}
		await staging.#take(id);
		return staging;
	}

	/** Whether something of a model is prepared, by this or another process, now or earlier. */
	static async isBegun(modelsFolder: string, id: string): Promise<boolean> {
		const names = await readdir(modelsFolder).catch((): string[] => []);
		return names.includes(`${PREFIX}${id}`);
	}

	/** Makes what was prepared a model. */
	async install(): Promise<string> {
		await rename(this.folder, this.#target).catch((error: unknown) => {
			throw writingError(this.#target, error);
		});
		return this.#target;
	}

	/** Removes what was prepared. */
	async discard(): Promise<void> {
		await rm(this.folder, { recursive: true, force: true });
	}

	/** Gives the folder free for others; it goes with what it holds kept, or altogether where nothing came. */
	async leave(): Promise<void> {
		await rmdir(this.folder).catch(() => undefined);
		await rm(this.#lock, { force: true });
	}

	async #take(id: string): Promise<void> {
		const mine = `${process.pid} ${randomBytes(8).toString('hex')}`;
		const holder = await readFile(this.#lock, 'utf8').catch(() => null);
		if (holder !== null && !isAlive(Number.parseInt(holder, 10))) await rm(this.#lock, { force: true });
		try {
			const file = await open(this.#lock, 'wx');
			try {
				await file.writeFile(mine);
			} finally {
				await file.close();
			}
			// Of two that found the same dead lock, the later one may have removed the lock of the earlier.
			if ((await readFile(this.#lock, 'utf8').catch(() => null)) === mine) return;
		} catch (error) {
			if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
				await this.leave();
				throw writingError(this.#lock, error);
			}
		}
		throw new UserFacingError('bad-argument', `The model ${id} is being got already, by this or another process.`, {
			remedy: 'Wait until that ends, or cancel it.',
		});
	}
}

function isAlive(pid: number): boolean {
	if (!Number.isInteger(pid) || pid <= 0) return false;
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return error instanceof Error && 'code' in error && error.code === 'EPERM';
	}
}

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserFacingError } from '../main/domain/errors.ts';
import { chanceOf, oneOf } from '../main/domain/chance.fixture.ts';
import type { Subject } from './subjects.ts';

/** A mutated file. */
export type Mutant = { name: string; content: Uint8Array };

/** `fault`: what was neither read nor refused in a sentence; null if it was. */
export type Outcome = { refused: boolean; fault: string | null };

const INDEX_STRIDE = 7919;

/** The files of one subject, one for each number. */
export class Attempts {
	readonly #subject: Subject;
	readonly #seed: number;
	readonly #folder: string;
	readonly #seeds: readonly Mutant[];

	private constructor(subject: Subject, seed: number, folder: string, seeds: readonly Mutant[]) {
		this.#subject = subject;
		this.#seed = seed;
		this.#folder = folder;
		this.#seeds = seeds;
	}

	static async of(subject: Subject, seed: number): Promise<Attempts> {
		const folder = mkdtempSync(join(tmpdir(), 'sparsight-torture-'));
		const made = join(folder, 'seeds');
		mkdirSync(made);
		const seeds = Array.from(await subject.seeds(made), ([name, content]) => ({
			name,
			content: new Uint8Array(content), // a Buffer's parts would be views
		}));
		return new Attempts(subject, seed, folder, seeds);
	}

	/** The same for the same seed and number. */
	mutant(index: number): Mutant {
		const chance = chanceOf(this.#seed + INDEX_STRIDE * index);
		const { name, content } = this.#seeds[index % this.#seeds.length]!;
		let changed = content;
		for (let times = chance(4) === 0 ? 2 : 1; times > 0 && changed.length > 0; times--)
			changed = new Uint8Array(oneOf(chance, this.#subject.mutations)(changed, chance));
		return { name, content: changed };
	}

	async try({ name, content }: Mutant): Promise<Outcome> {
		// A folder of its own: nobody waits for caches, and one may still be written to the folder before.
		const folder = mkdtempSync(join(this.#folder, 'attempt-'));
		try {
			await this.#subject.read(name, content, folder);
			return { refused: false, fault: faultOfWorld() };
		} catch (error) {
			return { refused: true, fault: faultOfWorld() ?? faultOf(error) };
		} finally {
			await rm(folder, { recursive: true, force: true, maxRetries: 10 }).catch(() => undefined);
		}
	}

	remove(): void {
		rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10 });
	}
}

/** A refusal is one sentence that a person can read; everything else is a fault of ours. */
function faultOf(error: unknown): string | null {
	if (!(error instanceof UserFacingError)) {
		return error instanceof Error ? (error.stack ?? error.message) : String(error);
	}
	const { message } = error;
	if (!/^[^\n]+\.$/.test(message)) return `no sentence: ${message.slice(0, 500)}`;
	if (message.length > LONGEST_SENTENCE) return `a sentence of ${message.length} characters`;
	return null;
}

const LONGEST_SENTENCE = 2000;

function faultOfWorld(): string | null {
	return 'polluted' in {} ? 'the prototype of objects was changed' : null;
}

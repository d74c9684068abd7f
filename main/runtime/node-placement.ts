import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

/** How the runtime's profiles call the processor. */
const PROCESSOR = 'CPUExecutionProvider';

const profile = z.array(
	z.looseObject({
		cat: z.string().optional(),
		args: z.looseObject({ provider: z.string().optional(), op_name: z.string().optional() }).optional(),
	}),
);

/** A folder for the profile of one session, which says where each of its nodes was computed. */
export class PlacementProfile {
	readonly #folder: string;

	private constructor(folder: string) {
		this.#folder = folder;
	}

	/** Null where no folder for temporary files can be written to: a graph runs all the same. */
	static async create(): Promise<PlacementProfile | null> {
		const folder = await mkdtemp(join(tmpdir(), 'sparsight-placement-')).catch(() => null);
		return folder === null ? null : new PlacementProfile(folder);
	}

	/** What the runtime puts before the names of its files. */
	get prefix(): string {
		return join(this.#folder, 'profile');
	}

	/** The operators that the processor computed, each once, by name; none where the disk was too full to say. Removes the profile. */
	async read(): Promise<string[]> {
		try {
			const texts = (await readdir(this.#folder)).map((name) => readFile(join(this.#folder, name), 'utf8'));
			return operatorsOnCpu(await Promise.all(texts));
		} catch {
			return [];
		} finally {
			await rm(this.#folder, { recursive: true, force: true }).catch(() => undefined);
		}
	}
}

/** The operators that profiles say the processor computed. */
export function operatorsOnCpu(profiles: readonly string[]): string[] {
	const nodes = profiles
		.flatMap((text) => profile.parse(JSON.parse(text)))
		.filter(({ cat, args }) => cat === 'Node' && args?.provider === PROCESSOR);
	return [...new Set(nodes.map(({ args }) => args?.op_name ?? 'unnamed'))].sort();
}

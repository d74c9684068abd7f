import { join } from 'node:path';
import { z } from 'zod';
import { ATTENTIONS } from '../domain/execution.ts';
import { readJsonFile, writeJsonFile } from '../process/json-file.ts';
import type { WorkerProcess } from '../process/worker-process.ts';
import { machineFingerprint } from './fingerprint.ts';
import { checkProviders, type ProviderCheck, type ProviderProbeExchange } from './provider-checks.ts';

/** Machines and drivers that are remembered; a cache folder may be shared by several. */
const MOST_REMEMBERED = 16;

const check = z.object({
	name: z.string(),
	works: z.boolean(),
	attention: z.enum(ATTENTIONS),
	reason: z.string().nullable(),
	pace: z.object({ own: z.number(), processor: z.number() }).nullable(),
}) satisfies z.ZodType<ProviderCheck>;
/** By fingerprint, the latest last. */
const checksFile = z.record(z.string(), z.array(check));

/** The checks of execution providers: made once for each machine, runtime and driver, and remembered in the cache folder. */
export class RememberedChecks {
	readonly #path: string;
	readonly #startProbe: () => WorkerProcess<ProviderProbeExchange>;
	readonly #fingerprint: () => string;
	#making: Promise<ProviderCheck[]> | null = null;

	constructor(
		cacheFolder: string,
		startProbe: () => WorkerProcess<ProviderProbeExchange>,
		fingerprint: () => string = machineFingerprint,
	) {
		this.#path = join(cacheFolder, 'providers.json');
		this.#startProbe = startProbe;
		this.#fingerprint = fingerprint;
	}

	/** Those that are remembered, or new ones. Rejects where the runtime can't be loaded. */
	async known(): Promise<ProviderCheck[]> {
		return (await this.#read())[this.#fingerprint()] ?? this.anew();
	}

	/** As `known`, but checks in any case; with `tryProcessor` the processor, too. */
	anew(options?: { tryProcessor: boolean }): Promise<ProviderCheck[]> {
		this.#making ??= this.#make(options).finally(() => (this.#making = null));
		return this.#making;
	}

	async #make(options?: { tryProcessor: boolean }): Promise<ProviderCheck[]> {
		const checks = await checkProviders(this.#startProbe, options);
		const fingerprint = this.#fingerprint();
		const others = Object.entries(await this.#read()).filter(([key]) => key !== fingerprint);
		const kept = [...others.slice(1 - MOST_REMEMBERED), [fingerprint, checks] as const];
		await writeJsonFile(this.#path, Object.fromEntries(kept)).catch(() => undefined); // they were made all the same
		return checks;
	}

	async #read(): Promise<z.infer<typeof checksFile>> {
		return (await readJsonFile(this.#path, checksFile)) ?? {};
	}
}

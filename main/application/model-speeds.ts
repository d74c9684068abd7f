import type { Preferences } from '../../preload/contract.ts';
import { ON_CPU } from '../domain/execution.ts';
import type { MeasuredSpeed } from '../domain/speed.ts';
import { AUTO, type ExecutionChoice } from '../execution/choice.ts';
import { devicesFor } from '../execution/offer.ts';
import type { RememberedChecks } from '../execution/remembered-checks.ts';
import type { Speeds } from '../execution/speeds.ts';
import type { CatalogEntry } from '../models/catalog.ts';

type SpeedsDependencies = {
	speeds: Speeds;
	checks: RememberedChecks;
	choice: ExecutionChoice;
	preferences: () => Preferences;
	/** Keeps runs from starting meanwhile. */
	alone: <T>(work: () => Promise<T>) => Promise<T>;
};

/** How fast models run on this machine, measured when a person asks. */
export class ModelSpeeds {
	readonly #deps: SpeedsDependencies;

	constructor(dependencies: SpeedsDependencies) {
		this.#deps = dependencies;
	}

	/** What was measured of the model with these weights. */
	of(sha256: string): Promise<MeasuredSpeed[]> {
		return this.#deps.speeds.of(sha256);
	}

	/**
	 * Runs a model on the first frames of a video, on what the preferences say: where that is `auto`, on everything that works.
	 * Throws what an analysis throws.
	 */
	measure({ path }: CatalogEntry, mode: string, videoPath: string): Promise<MeasuredSpeed[]> {
		const { speeds, preferences, alone } = this.#deps;
		const { threads, maxSide, provider } = preferences();
		const job = { videoPath, modelPath: path, mode, threads, maxSide };
		return alone(async () => {
			if (provider !== AUTO) {
				const wanted = { ...job, provider, precision: null, start: 'create', runFolder: '' } as const;
				const { execution } = await this.#deps.choice.choose(wanted, () => undefined);
				return [await speeds.measure({ ...job, execution: execution ?? ON_CPU })];
			}
			const measured = [await speeds.measure({ ...job, execution: ON_CPU })];
			for (const execution of devicesFor(await this.#deps.checks.known(), mode)) {
				const speed = await speeds.measure({ ...job, execution }).catch(() => null);
				if (speed) measured.push(speed);
			}
			return measured;
		});
	}
}

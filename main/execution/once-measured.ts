import { errorToData } from '../domain/errors.ts';
import { type Execution, ON_CPU } from '../domain/execution.ts';
import type { ExecutionRemark } from '../domain/execution-words.ts';
import type { MeasuredSpeed } from '../domain/speed.ts';
import type { Size } from '../domain/video.ts';
import { measuredMilliseconds, type SpeedJob, type Speeds } from './speeds.ts';

/** Where graphs are compiled for a device first, that alone may take so long. */
const COMPILING_MILLISECONDS = 60_000;

/** Speeds of one model on one video: those that are remembered, and others once they were measured. */
export class OnceMeasured {
	readonly #speeds: Pick<Speeds, 'find' | 'measure' | 'noteFailure'>;
	readonly #on: Omit<SpeedJob, 'mode' | 'execution'> & { weights: string; size: Size };
	readonly #tell: (remark: ExecutionRemark) => void;
	readonly #signal: AbortSignal | undefined;
	/** Whether something was measured that was not remembered. */
	isNew = false;

	/** Nothing is measured any more once `signal` is aborted. */
	constructor(
		speeds: Pick<Speeds, 'find' | 'measure' | 'noteFailure'>,
		on: Omit<SpeedJob, 'mode' | 'execution'> & { weights: string; size: Size },
		tell: (remark: ExecutionRemark) => void,
		signal?: AbortSignal,
	) {
		this.#speeds = speeds;
		this.#on = on;
		this.#tell = tell;
		this.#signal = signal;
	}

	/** Of the devices that could be measured. */
	async speedsOf(devices: readonly Execution[], mode: string, cpu: MeasuredSpeed): Promise<MeasuredSpeed[]> {
		const measured: MeasuredSpeed[] = [];
		for (const device of devices) {
			const speed = await this.speedOf(device, mode, cpu);
			if (speed) measured.push(speed);
		}
		return measured;
	}

	/** Null where it can't be measured, which is remembered and told of a device. `cpu`: what a device is to beat. */
	async speedOf(execution: Execution, mode: string, cpu?: MeasuredSpeed): Promise<MeasuredSpeed | null> {
		const { weights, size, videoPath, modelPath, maxSide, threads } = this.#on;
		const { provider } = execution;
		const conditions = { ...execution, mode, size, maxSide, threads };
		const known = await this.#speeds.find(weights, conditions);
		if (known && !('failure' in known)) return known;
		if (known) {
			this.#tell({ type: 'unmeasured', mode, provider, reason: known.failure });
			return null;
		}
		if (this.#signal?.aborted) return null;
		this.#tell({ type: 'measuring', mode, provider });
		this.isNew = true;
		try {
			return await this.#speeds.measure(
				{ videoPath, modelPath, mode, maxSide, threads, execution },
				{
					// What takes twice as long as the CPU need not come to its end.
					...(cpu && { patience: COMPILING_MILLISECONDS + 2 * measuredMilliseconds(cpu.milliseconds) }),
					...(this.#signal && { signal: this.#signal }),
				},
			);
		} catch (error) {
			if (provider === ON_CPU.provider || this.#signal?.aborted) return null;
			const failure = errorToData(error).message;
			await this.#speeds.noteFailure(weights, { ...conditions, failure });
			this.#tell({ type: 'unmeasured', mode, provider, reason: failure });
			return null;
		}
	}
}

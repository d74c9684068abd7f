import { scatter } from './scatter.ts';

/** The share of an audit's cost after which the first one comes: early, for nothing is known yet. */
const FIRST = 0.3;

/**
 * When a frame is computed dense as well: whenever the run has earned it, by a share of all that it costs. Moments within a period
 * are scattered, the same in every run, so that audits do not fall in step with what happens in the video.
 */
export class AuditSchedule {
	/** Multiply-adds that may be spent on audits. */
	#credit = 0;
	#audits = 0;

	/** Whether the next frame is to be audited, which costs `macs`. */
	due(macs: number): boolean {
		const offset = this.#audits === 0 ? FIRST : (scatter(this.#audits, 17) % 1000) / 1000;
		return this.#credit > 0 && this.#credit >= offset * macs;
	}

	/** Told what a frame cost without its audit. */
	earn(macs: number, share: number): void {
		this.#credit += share * macs;
	}

	spend(macs: number): void {
		this.#credit -= macs;
		this.#audits++;
	}

	get state(): Float64Array {
		return Float64Array.of(this.#credit, this.#audits);
	}

	set state(state: Float64Array) {
		[this.#credit, this.#audits] = [state[0]!, state[1]!];
	}
}

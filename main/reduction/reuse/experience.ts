import type { Drift } from '../../domain/drift.ts';
import { assert } from '../../domain/errors.ts';
import type { NamedArrays } from '../../domain/named-arrays.ts';
import { AuditSchedule } from '../audit-schedule.ts';
import { DriftEstimate } from '../drift-estimate.ts';
import { BreakEven, TimeController } from './budget.ts';
import type { Waiting } from './token-columns.ts';

/** What a mode that remembers learns while it runs: what tokens cost, and how far reuse drifts from dense. */
export class Experience {
	readonly time: TimeController;
	readonly breakEven = new BreakEven();
	readonly estimate = new DriftEstimate();
	readonly audits = new AuditSchedule();

	/** `time`: by default for tokens. */
	constructor(time = new TimeController()) {
		this.time = time;
	}

	/** Takes the predicted loss of a frame, 0 to 1, and what waits in it; gives what is estimated from then on. */
	drift(
		loss: number,
		{ tokens, longest }: Pick<Waiting, 'tokens' | 'longest'>,
		sufficientTokens: number,
	): Omit<Drift, 'audit'> {
		this.estimate.add(loss);
		return { waitingTokens: tokens, longestWait: longest, sufficientTokens, ...this.estimate.bounds() };
	}

	/** The same of a frame of which everything is computed: nothing waits, and nothing is lost. */
	driftOfWhole(tokens: number): Omit<Drift, 'audit'> {
		return this.drift(0, { tokens: 0, longest: 0 }, tokens);
	}

	saveState(): NamedArrays {
		const { time, breakEven, estimate, audits } = this;
		return {
			'cache.time': Float64Array.of(time.state),
			'cache.breakEven': breakEven.state,
			'cache.estimate': estimate.state,
			'cache.audits': audits.state,
		};
	}

	restoreState(state: NamedArrays): void {
		const numbers = (name: string): Float64Array => {
			const values = state[name];
			assert(values instanceof Float64Array, `a snapshot holds ${name}`);
			return values;
		};
		this.time.state = numbers('cache.time')[0]!;
		this.breakEven.state = numbers('cache.breakEven');
		this.estimate.state = numbers('cache.estimate');
		this.audits.state = numbers('cache.audits');
	}
}

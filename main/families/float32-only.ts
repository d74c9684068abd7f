import { UserFacingError } from '../domain/errors.ts';
import type { GraphRuntime } from '../runtime/runtime.ts';

/** Throws `bad-argument` where a runtime rounds linear layers, for a network in which it can't. `why`: a clause. */
export function refuseInt8({ execution }: GraphRuntime, network: string, why: string): void {
	if (execution.precision !== 'int8') return;
	throw new UserFacingError('bad-argument', `${network} can't be run with precision int8: ${why}.`, {
		remedy: 'Choose precision float32 for it.',
	});
}

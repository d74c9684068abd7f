import { Attempts, type Mutant, type Outcome } from './attempts.ts';
import { minimize } from './minimize.ts';
import { SUBJECTS, type SubjectName } from './subjects.ts';

// A process of its own, so that a crash, a hang or too much memory is one file's: tries the files that it is told.

export type MutationOrder = { subject: SubjectName; seed: number; from: number; to: number };
export type MutationNews =
	| { type: 'begun'; index: number }
	| ({ type: 'tried'; index: number; milliseconds: number; largestBytes: number } & Outcome)
	/** Of the fault just told: the smallest file found that shows it. */
	| ({ type: 'minimal'; index: number } & Mutant)
	| { type: 'done' };

const KIB = 1024;
const MINIMIZING_TRIES = 300;

process.once('message', (order) => void work(order as MutationOrder));

async function work({ subject, seed, from, to }: MutationOrder): Promise<void> {
	const attempts = await Attempts.of(SUBJECTS[subject], seed);
	for (let index = from; index < to; index++) {
		tell({ type: 'begun', index });
		const mutant = attempts.mutant(index);
		const start = performance.now();
		const outcome = await attempts.try(mutant);
		const milliseconds = performance.now() - start;
		tell({
			type: 'tried',
			index,
			milliseconds,
			largestBytes: process.resourceUsage().maxRSS * KIB,
			...outcome,
		});
		if (outcome.fault === null) continue;
		const kind = kindOf(outcome.fault);
		const isSame = async (content: Uint8Array) => {
			const { fault } = await attempts.try({ ...mutant, content });
			return fault !== null && kindOf(fault) === kind;
		};
		const content = await minimize(mutant.content, isSame, MINIMIZING_TRIES);
		tell({ type: 'minimal', index, name: mutant.name, content });
	}
	attempts.remove();
	tell({ type: 'done' });
	process.disconnect();
}

/** Faults are of one kind if they come from the same place. */
function kindOf(fault: string): string {
	return fault.split('\n')[1] ?? fault.replace(/\d+/g, '0').slice(0, 40);
}

function tell(news: MutationNews): void {
	process.send?.(news);
}

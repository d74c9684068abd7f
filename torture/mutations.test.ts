import { expect, it } from 'vitest';
import { Attempts } from './attempts.ts';
import { type Subject, SUBJECTS } from './subjects.ts';

// A small part of `npm run torture`: mutated files are read, or refused in a sentence. A failure tells the number of its file.
const SEED = Number(process.env['SPARSIGHT_SEED'] ?? 1);
const OF_EACH = Number(process.env['SPARSIGHT_MUTATIONS'] ?? 25);
/** Of kinds that take other programs to read, or a whole host. */
const OF_SLOW = Math.min(10, OF_EACH);
const SLOW = ['media', 'projects'];

it.each(Object.entries(SUBJECTS))(
	'%s: whatever is changed, it is read or refused in a sentence',
	async (name, subject: Subject) => {
		const attempts = await Attempts.of(subject, SEED);
		try {
			for (let index = 0; index < (SLOW.includes(name) ? OF_SLOW : OF_EACH); index++) {
				const { fault } = await attempts.try(attempts.mutant(index));
				expect(fault, `${name} ${index}, SPARSIGHT_SEED=${SEED}`).toBeNull();
			}
		} finally {
			attempts.remove();
		}
	},
);

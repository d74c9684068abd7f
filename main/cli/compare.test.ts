import { expect, it } from 'vitest';
import { noAgreementLine } from './compare.ts';

it('says why a run of another model has no agreement, and what would give it one', () => {
	expect(noAgreementLine('dense-other', 'other', 'lookout')).toBe(
		'dense-other: no agreement, for other has no class in common with the dense run\'s model, lookout ("--model other" compares with a dense run of other).\n',
	);
});

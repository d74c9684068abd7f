import { expect, it } from 'vitest';
import { noAgreementLine } from './compared-run.ts';

it('says why a dense run of another model has no agreement', () => {
	expect(noAgreementLine('dense-other', 'other', 'lookout')).toBe(
		"dense-other: no agreement, for other has no class in common with the reference's model, lookout.\n",
	);
});

import { UserFacingError } from '../domain/errors.ts';
import { isInSpans, spansOf } from '../domain/settings-table.ts';
import { identityLabel } from '../domain/track-labels.ts';

/**
 * Tells of an object whether it is among `numbers`, the value of the setting `name` of kind `numbers`. `identities` are those of all
 * objects that the run shows, `place` starts the message. Throws `unknown-object` for a number, or a span of them, of nobody: who was
 * meant would be left out without a word.
 */
export function amongNumbers(
	identities: Int32Array,
	numbers: string,
	name: string,
	place: string,
): (identity: number) => boolean {
	const spans = spansOf(numbers) ?? [];
	for (const span of spans) {
		if (identities.some((identity) => isInSpans([span], identity))) continue;
		const got = [...new Set(span)].map(identityLabel).join('-');
		const count = identities.length === 1 ? '1 object' : `${identities.length} objects`;
		throw new UserFacingError(
			'unknown-object',
			`${place}: numbers of objects that the run shows were expected in "${name}" (got ${got}, which is nobody's).`,
			{ remedy: `Name some of its ${count}: "sparsight tracks <run>" lists them.` },
		);
	}
	return (identity) => isInSpans(spans, identity);
}

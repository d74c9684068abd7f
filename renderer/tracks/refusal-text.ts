import { t } from '../i18n/language.svelte.ts';
import type { MessageKey } from '../i18n/en.ts';

/** The sentences of `checkEdits`, and what the page says for each. */
const REFUSALS: readonly [sentence: RegExp, key: MessageKey][] = [
	[/^a track that the run shows .*\(got (?<track>[^,]+), which is none/, 'tracks.refused.missing'],
	[
		/^a frame after .* to split track (?<track>\S+) at .* seen from frame (?<first>\d+) to (?<last>\d+),/,
		'tracks.refused.split',
	],
	[/^two different tracks or more were expected \(got (?<tracks>.+)\)\.$/, 'tracks.refused.same'],
	[
		/\((?<one>\S+) and (?<other>\S+) are both seen in frames? (?<frames>[^a-z]+) and (?<more>\d+) stretches more\)/,
		'tracks.refused.togetherOften',
	],
	[
		/\((?<one>\S+) and (?<other>\S+) are both seen in frames? (?<frames>[^a-z]+)\)/,
		'tracks.refused.together',
	],
];

/** Why a change of tracks was refused, in the page's language; null for a sentence that is none of `checkEdits`. */
export function refusalText(message: string): string | null {
	const sentence = message.replace(/^Edit \d+: /, ''); // without which of the edits it is: the last one
	for (const [pattern, key] of REFUSALS) {
		const values = pattern.exec(sentence);
		if (values) return t(key, { ...values.groups });
	}
	return null;
}

import type { DriftFigures } from '../../main/domain/drift.ts';
import { formatNumber, t } from '../i18n/language.svelte.ts';

/** Such as `about 0.97 (0.93 to 0.99)`. */
export function estimateText({
	agreement,
	lower,
	upper,
}: Pick<DriftFigures, 'agreement' | 'lower' | 'upper'>): string {
	return t('panel.estimateOf', {
		agreement: formatNumber(agreement, 2),
		lower: formatNumber(lower, 2),
		upper: formatNumber(upper, 2),
	});
}

/** Such as `12 tokens, longest 5 frames`. */
export function waitingText(tokens: number, longestWait: number): string {
	if (tokens === 0) return t('panel.noneWaits');
	return t('panel.waitingFor', { tokens: formatNumber(tokens), frames: formatNumber(longestWait) });
}

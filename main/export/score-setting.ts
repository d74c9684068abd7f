import { sameLeastScore, type LeastScores } from '../domain/least-scores.ts';
import type { SettingsTable, ValuesOf } from '../domain/settings-table.ts';
import type { StoredRun } from '../results/stored-run.ts';

/** For data formats, one rule for all of them: which detections to include. */
export const SCORE_SETTINGS = {
	scores: {
		kind: 'choice',
		default: 'shown',
		options: {
			shown: 'those that are shown: from what the model needs for each class on',
			all: 'all that the run stored, as precision curves want them',
			from: 'those with a score of at least minScore',
		},
		description: 'Which detections go in.',
	},
	minScore: {
		kind: 'number',
		default: 0.25,
		min: 0,
		max: 1,
		step: 0.01,
		description: 'Detections with a lower score are left out.',
		implies: { scores: 'from' },
		shownWhen: { setting: 'scores', is: 'from' },
	},
} as const satisfies SettingsTable;

/** The least score of each class according to `settings`, which are resolved ones of SCORE_SETTINGS. */
export function leastScores({ header }: StoredRun, settings: ValuesOf<typeof SCORE_SETTINGS>): LeastScores {
	switch (settings.scores) {
		case 'all':
			return sameLeastScore(header.model.classes.length, 0);
		case 'from':
			return sameLeastScore(header.model.classes.length, settings.minScore);
		case 'shown':
			return header.displayThresholds;
	}
}

/** Formats scores, seconds, pixels and milliseconds: enough digits, no float noise. */
export function rounded(value: number, decimals: number): number {
	return Number(value.toFixed(decimals));
}

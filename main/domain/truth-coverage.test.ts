import { expect, it } from 'vitest';
import { coverageOfRuns, coverageSentences, type TruthCoverage } from './truth-coverage.ts';

const whole: TruthCoverage = {
	truthForm: 'VisDrone',
	framesCounted: 6,
	framesOfRun: 6,
	framesOfTruth: 6,
	remarks: [],
};
const part: TruthCoverage = { ...whole, framesCounted: 3, remarks: [{ kind: 'unscored-boxes', count: 4 }] };

it.each([
	[
		'all frames',
		whole,
		[
			'Average precision (AP) is measured over all 6 frames of the run and of the ground truth (read as VisDrone).',
		],
	],
	[
		'a part of them, and what is left out',
		part,
		[
			'Average precision (AP) is measured over 3 frames only, those that both the run (6 frames) and the ground truth (6 frames, read as VisDrone) have.',
			"4 boxes of classes that the benchmark doesn't score are left out.",
		],
	],
])('says over what average precision was measured: %s', (_, coverage, sentences) => {
	expect(coverageSentences(coverage, 'en')).toEqual(sentences);
	expect(coverageSentences(coverage, 'ja')).toHaveLength(sentences.length);
});

it('says it once for runs with the same frames, otherwise for each', () => {
	const runs = (...coverages: TruthCoverage[]) =>
		coverages.map((coverage, i) => ({ label: `run ${i}`, coverage }));
	expect(coverageOfRuns(runs(whole, whole), 'en')).toHaveLength(1);
	expect(coverageOfRuns(runs(whole, part), 'en').map((line) => line.slice(0, 6))).toEqual([
		'run 0:',
		'run 1:',
	]);
});

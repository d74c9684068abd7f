import { describe, expect, it } from 'vitest';
import { inTemporaryFolder, storeSampleRun, TOO_SMALL, type SampleRun } from '../run.fixture.ts';
import type { Evaluation } from '../../evaluation/evaluate-run.ts';
import { limitsOf } from './limits.ts';
import { reportRuns } from './report-runs.ts';

const accuracy = { ap50: 0.7, ap50to95: 0.3, ap50AllPoint: 0.7, precision: 0.8, recall: 0.6 };
const TRUTH: Evaluation = {
	truthPath: 'gt.txt',
	truthFormat: 'mot',
	truthForm: 'MOTChallenge',
	framesCounted: 10,
	framesOfRun: 12,
	framesOfTruth: 10,
	remarks: [],
	classes: [
		{ ...accuracy, className: 'person', truthCount: 40, displayThreshold: 0.3 },
		{ ...accuracy, className: 'bicycle', truthCount: 0, displayThreshold: 0.3 },
	],
	mean: accuracy,
	unknownClasses: ['tram'],
	unsharedClasses: [],
};

async function limits(sample: SampleRun, truth: Evaluation | null = null, edits = 0): Promise<string> {
	return inTemporaryFolder(async (folder) => {
		const run = await storeSampleRun(folder, sample);
		return limitsOf(reportRuns([run], ['run'], [truth])[0]!, edits).join('\n');
	});
}

const DENSE: SampleRun = { mode: 'dense' };

describe('limitsOf', () => {
	it.each<[string, SampleRun, RegExp]>([
		['every n-th frame', { ...DENSE, every: 3 }, /^One frame in 3 was analysed/m],
		['a part', { ...DENSE, from: 4 }, /^Only the part from frame 4 to the end was asked for/m],
		[
			'an unfinished run',
			{ ...DENSE, state: 'cancelled' },
			/unfinished \(cancelled\): it ends after 12 frames/,
		],
		[
			'a small input',
			{ ...DENSE, header: { letterbox: letterboxAt(32) } },
			/the picture at 50 % of its size/,
		],
		['scores', DENSE, /scored below 0.3 are not shown or counted; it knows 2 classes/],
		['no truth', DENSE, /There is no ground truth/],
		['no dense run', {}, /No dense run lies beside it/],
		['audits and their bounds', TOO_SMALL, /1 of 20 frames were audited.*its lower bound falls to 0.500/],
		['a budget that was too small', TOO_SMALL, /At this budget an estimated 25 %/],
		['rounding', { ...DENSE, header: { precision: 'int8' } }, /computed in int8, which rounds/],
		[
			'a device',
			{ ...DENSE, header: { provider: 'webgpu' } },
			/It ran on WebGPU; providers round differently/,
		],
	])('says it of %s', async (_, sample, sentence) => {
		expect(await limits(sample)).toMatch(sentence);
	});

	it('says nothing of what does not hold', async () => {
		expect((await limits(DENSE)).split('\n')).toHaveLength(2);
	});

	it('says what the truth does not know', async () => {
		const said = await limits(DENSE, TRUTH);
		expect(said).toContain('Ground truth covers 10 of 12 frames');
		expect(said).toContain('Classes of the truth that are not measured: tram.');
		expect(said).toContain('The truth has no object of bicycle');
		expect(said).not.toContain('There is no ground truth');
	});

	it('says how often tracks were changed by hand', async () => {
		expect(await limits(DENSE, null, 2)).toContain('Tracks were changed by hand 2 times');
	});
});

function letterboxAt(width: number) {
	const size = { width: 64, height: 48 };
	return { displaySize: size, contentSize: { width, height: 0.75 * width }, inputSize: size, fill: 114 };
}

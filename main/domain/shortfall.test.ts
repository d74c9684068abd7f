import { describe, expect, it } from 'vitest';
import type { SettingValues } from './settings-table.ts';
import {
	agreementAskedFor,
	settingsAt,
	ShortfallWatch,
	shortfallSentence,
	type Shortfall,
} from './shortfall.ts';

const FRAMES_PER_SECOND = 10;
const TOKENS = 200;

/** Frames that are alike: how many, and what is estimated of them. */
type Stretch = [frames: number, agreement: number, upper: number, sufficient?: number, selected?: number];

/** What is found in stretches one after another, at ten frames a second. */
function found(stretches: Stretch[], settings: SettingValues = { agreement: 0.97 }): Shortfall | null {
	const watch = new ShortfallWatch(TOKENS);
	let frameIndex = 0;
	for (const [frames, agreement, upper, sufficientTokens = 50, selectedTokens = 20] of stretches) {
		for (let i = 0; i < frames; i++, frameIndex++) {
			const timeSeconds = frameIndex / FRAMES_PER_SECOND;
			watch.add({ frameIndex, timeSeconds, selectedTokens, sufficientTokens, agreement, upper }, settings);
		}
	}
	return watch.shortfall;
}

describe('a budget is not too small', () => {
	it.each<[string, Stretch[]]>([
		['where the agreement asked for is within the bounds, and nearly what is estimated', [[99, 0.95, 0.98]]],
		['where it is not for less than a second', [[5, 1, 1], [10, 0.5, 0.6], [5, 1, 1]]], // prettier-ignore
		['where it is not now and then', [[9, 0.5, 0.6], [1, 1, 1], [9, 0.5, 0.6]]], // prettier-ignore
		['where nothing is estimated', [[99, Number.NaN, Number.NaN]]],
		['where every token is computed', [[99, 0.9, 0.95, 200, 200]]],
		['in a run without frames', []],
	])('%s', (_, stretches) => expect(found(stretches)).toBeNull());

	it('where less agreement is asked for', () => {
		expect(found([[99, 0.75, 0.9]], { policy: 'fraction', agreement: 0.5 })).toBeNull();
	});
});

it.each([
	['fraction', { byBudget: true, sufficientShare: 0.25 }],
	['quality', { byBudget: false, sufficientShare: null }],
])('under the policy %s it says whether more tokens would do', (policy, expected) => {
	expect(found([[99, 0.75, 0.9]], { policy, agreement: 0.97 })).toMatchObject(expected);
});

it.each<[string, Stretch[], Partial<Shortfall>]>([
	[
		'from its first frame on, once that has lasted for a second',
		[[21, 1, 1], [11, 0.75, 0.9]], // prettier-ignore
		{ fromFrame: 21, fromSeconds: 2.1, toFrame: null, toSeconds: null, throughout: true, loss: 0.25 },
	],
	[
		'where the estimate is far from what is asked for, whatever its bounds',
		[[20, 0.75, 1]],
		{ fromFrame: 0, loss: 0.25 },
	],
	[
		'up to its last frame',
		[[20, 0.5, 0.6], [5, 1, 1]], // prettier-ignore
		{ fromFrame: 0, fromSeconds: 0, toFrame: 19, toSeconds: 1.9, throughout: true, loss: 0.5 },
	],
	[
		'in several stretches, of which short ones do not count',
		[[20, 0.5, 0.6], [5, 1, 1], [5, 0, 0], [5, 1, 1], [20, 0.75, 0.8]], // prettier-ignore
		{ fromFrame: 0, toFrame: null, throughout: false, loss: 0.375 },
	],
	[
		'though it is computed whole now and then',
		[[8, 0.5, 0.6], [1, 0.5, 0.6, 50, 200], [8, 0.5, 0.6]], // prettier-ignore
		{ fromFrame: 0, toFrame: null, throughout: true },
	],
	[
		'and a lower quartile of the tokens would do',
		[[12, 0.5, 0.6, 40], [10, 0.5, 0.6, 60], [1, 0.5, 0.6, 200]], // prettier-ignore
		{ sufficientShare: 0.2 },
	],
	[
		'and the mode does not know how many tokens would do',
		[[20, 0.5, 0.6, 30, 30]],
		{ loss: 0.5, sufficientShare: null },
	],
])('a budget is too small %s', (_, stretches, facts) => expect(found(stretches)).toMatchObject(facts));

describe('the agreement asked for', () => {
	it.each([
		['by the settings', { agreement: 0.9 }, 0, 0.9],
		['by a mode without the setting', { fraction: 0.1 }, 0, 0.97],
		['before a change', { agreement: 0.9 }, 9, 0.9],
		['from a change on', { agreement: 0.9 }, 10, 0.8],
		['after a change of something else', { agreement: 0.9 }, 20, 0.8],
	])('is that %s', (_, settings, frame, asked) => {
		const events = [
			{ frameIndex: 10, settings: { agreement: 0.8 } },
			{ frameIndex: 20, settings: { floor: 1 } },
		];
		expect(agreementAskedFor(settingsAt(settings, 'agreement' in settings ? events : [], frame))).toBe(asked);
	});
});

describe('the sentence', () => {
	const facts: Shortfall = {
		byBudget: true,
		byCamera: true,
		fromFrame: 52,
		fromSeconds: 2.08,
		toFrame: null,
		toSeconds: null,
		throughout: true,
		loss: 0.312,
		sufficientShare: 0.275,
	};
	const ended: Partial<Shortfall> = { toFrame: 210, toSeconds: 8.4 };
	it.each([
		[
			'en',
			{},
			'31 % of what dense shows is missing or misplaced from 0:02.1 on; 28 % of the tokens would do.',
		],
		['en', ended, 'is missing or misplaced from 0:02.1 to 0:08.4;'],
		['en', { ...ended, throughout: false }, 'misplaced at times from 0:02.1 to 0:08.4;'],
		['en', { sufficientShare: null }, 'is missing or misplaced from 0:02.1 on.'],
		[
			'en',
			{ byBudget: false, sufficientShare: null },
			'With all the tokens that should do, an estimated 31 %',
		],
		['ja', { byBudget: false }, 'camera=fixed で近づきます'],
		['ja', {}, 'この予算では 0:02.1 以降、全計算で見えるものの推定 31% が'],
		['ja', ended, '0:02.1 から 0:08.4 まで、全計算'],
	] as const)('says it (%s, %o)', (language, change, part) => {
		expect(shortfallSentence({ ...facts, ...change }, language)).toContain(part);
	});

	it.each(['en', 'ja'] as const)('names no setting that a mode without a camera lacks (%s)', (language) => {
		const sentence = shortfallSentence({ ...facts, byBudget: false, byCamera: false }, language);
		expect(sentence).not.toContain('camera=fixed');
	});

	it.each([
		['en', /would do\. Measured against the dense run: an agreement of 0\.914\.$/],
		['ja', /足ります。全計算と比べた実測の一致度は 0\.914 です。$/],
	] as const)('adds what was measured where a dense run is there (%s)', (language, end) => {
		expect(shortfallSentence(facts, language, 0.914)).toMatch(end);
	});
});

import { describe, expect, it } from 'vitest';
import { sweepSpecs } from './sweep-specs.ts';

describe('sweepSpecs', () => {
	it.each<[string, string[], string[], string[], string[]]>([
		[
			'budgets and quality, where nothing is said',
			['token-cache'],
			[],
			[],
			[
				'token-cache:fraction=0.05',
				'token-cache:fraction=0.1',
				'token-cache:fraction=0.2',
				'token-cache:fraction=0.4',
				'token-cache:policy=quality',
			],
		],
		[
			'each mode by its own budget, and one without any as it is',
			['sparse', 'motion'],
			[],
			[],
			['sparse:keep=0.05', 'sparse:keep=0.1', 'sparse:keep=0.2', 'sparse:keep=0.4', 'motion'],
		],
		[
			'every combination',
			['token-cache'],
			['fraction=0.1, 0.2', 'refresh=0,50'],
			[],
			[
				'token-cache:fraction=0.1,refresh=0',
				'token-cache:fraction=0.1,refresh=50',
				'token-cache:fraction=0.2,refresh=0',
				'token-cache:fraction=0.2,refresh=50',
			],
		],
		[
			'a mode without the varied setting runs once, with what is fixed for those that have it',
			['token-cache', 'motion'],
			['fraction=0.1'],
			['threshold=3'],
			['token-cache:threshold=3,fraction=0.1', 'motion:threshold=3'],
		],
		[
			'precision is a setting of every mode',
			['motion'],
			['precision=float32,int8'],
			[],
			['motion:precision=float32', 'motion:precision=int8'],
		],
		['the same run once', ['motion'], ['threshold=3,3'], [], ['motion:threshold=3']],
	])('%s', (_, modes, varied, fixed, texts) => {
		expect(sweepSpecs(modes, varied, fixed).map(({ text }) => text)).toEqual(texts);
	});

	it.each<[string, string[], string[], object]>([
		['no mode', ['nothing'], [], { code: 'unknown-mode' }],
		['no values', ['motion'], ['threshold'], { code: 'bad-argument' }],
		['a setting that no mode has', ['motion', 'dense'], ['fraction=0.1'], { code: 'unknown-setting' }],
		['a value that can’t be', ['token-cache'], ['fraction=2'], { code: 'setting-out-of-range' }],
		[
			'too many runs',
			['motion'],
			[`threshold=${Array.from({ length: 201 }, (_, i) => i).join(',')}`],
			{ code: 'bad-argument' },
		],
	])('refuses %s', (_, modes, varied, error) => {
		expect(() => sweepSpecs(modes, varied)).toThrow(expect.objectContaining(error));
	});
});

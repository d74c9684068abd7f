import { describe, expect, it } from 'vitest';
import {
	labelRuns,
	parseAssignments,
	parseInteger,
	parsePosition,
	parseRange,
	parseRunSpec,
} from './arguments.ts';

describe('parsePosition', () => {
	it.each([
		['0', { frame: 0 }],
		['120', { frame: 120 }],
		['12.5s', { seconds: 12.5 }],
		['3s', { seconds: 3 }],
		['1:02.500', { seconds: 62.5 }],
		['0:07', { seconds: 7 }],
		['90:00', { seconds: 5400 }],
		['1:00:01.25', { seconds: 3601.25 }],
		['-0.5s', { seconds: -0.5 }],
		['-0:01.5', { seconds: -1.5 }],
	])('reads %s', (text, position) => {
		expect(parsePosition(text, '--from')).toEqual(position);
	});

	it.each(['', '-1', '1.5', 'ten', '1:60', '1:2:3:4', '5 s', 's', '1e3', 'NaN'])('refuses "%s"', (text) => {
		expect(() => parsePosition(text, '--to')).toThrow(
			expect.objectContaining({ code: 'bad-argument', message: expect.stringContaining(`--to must be`) }),
		);
	});
});

describe('parseRange', () => {
	it('takes the whole video without words', () => {
		expect(parseRange({})).toEqual({ from: { frame: 0 }, to: null, every: 1 });
	});

	it.each([
		[{ from: '10', to: '9' }, 'bad-range', '--to must not lie before --from (got 9 and 10).'],
		[{ from: '2s', to: '0:01' }, 'bad-range', '--to must not lie before --from (got 0:01 and 2s).'],
		[{ every: '0' }, 'bad-argument', '--every must be a whole number from 1 to 1000000 (got "0").'],
	])('refuses %j', (options, code, message) => {
		expect(() => parseRange(options)).toThrow(expect.objectContaining({ code, message }));
	});

	it('leaves a frame and a time for the reader to compare', () => {
		expect(parseRange({ from: '100', to: '1s' })).toMatchObject({ from: { frame: 100 }, to: { seconds: 1 } });
	});
});

describe('parseRunSpec', () => {
	it.each([
		['dense', 'dense', {}, null, null],
		['token-cache:fraction=0.1,refresh=50', 'token-cache', { fraction: 0.1, refresh: 50 }, null, null],
		['sparse:keep=0.3', 'sparse', { keep: 0.3 }, null, null],
		['dense@lookout-sh', 'dense', {}, 'lookout-sh', null],
		['sparse:keep=0.3@C:\\models\\a@b', 'sparse', { keep: 0.3 }, 'C:\\models\\a@b', null],
		['dense:precision=int8', 'dense', {}, null, 'int8'],
		['sparse:precision=float32,keep=0.3@a', 'sparse', { keep: 0.3 }, 'a', 'float32'],
		['sparse:keep=0.3, precision=int8', 'sparse', { keep: 0.3 }, null, 'int8'],
	])('reads %s', (text, mode, settings, model, precision) => {
		const spec = parseRunSpec(text);
		expect([spec.mode.id, spec.settings, spec.model]).toEqual([mode, settings, model]);
		expect(spec.precision).toBe(precision);
	});

	it.each([
		['fast', 'unknown-mode', 'fast'],
		['token-cache:speed=3', 'unknown-setting', 'speed'],
		['token-cache:fraction=2', 'setting-out-of-range', '(got 2)'],
		['token-cache:fraction', 'bad-argument', 'name=value (got "fraction")'],
		['token-cache:', 'bad-argument', 'name=value (got "")'],
		['dense:precision=half', 'bad-argument', 'precision must be float32 or int8 (got "half")'],
		['dense@', 'bad-argument', 'must follow @ (got "dense@")'],
	])('refuses %s', (text, code, words) => {
		expect(() => parseRunSpec(text)).toThrow(
			expect.objectContaining({ code, message: expect.stringContaining(words) }),
		);
	});
});

it('keeps everything behind the first = as a value', () => {
	const table = {
		policy: { kind: 'choice', default: 'a', options: { 'a=b': '' }, description: '' },
	} as const;
	expect(parseAssignments(table, ['policy=a=b'], 'mode x')).toEqual({ policy: 'a=b' });
});

it.each(['1.5', '-2', '', '9', 'x'])('refuses "%s" as a whole number from 1 to 8', (text) => {
	expect(() => parseInteger(text, '--threads', 1, 8)).toThrow('--threads must be a whole number from 1 to 8');
});

it('labels runs so that each has a folder of its own', () => {
	const specs = ['dense', 'token-cache:fraction=0.1', 'dense', 'dense@../sh/'].map(parseRunSpec);
	expect(labelRuns(specs)).toEqual(['dense', 'token-cache-fraction-0.1', 'dense-2', 'dense-..-sh']);
});

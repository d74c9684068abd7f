import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Log } from './log.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'sparsight-log-'))));
afterEach(() => rmSync(folder, { recursive: true }));

describe('the log', () => {
	it.each([
		['a text', 'gone', 'gone'],
		['data', { reason: 'crashed', exitCode: 5 }, '{"reason":"crashed","exitCode":5}'],
		['nothing', undefined, 'event'],
	])('keeps %s on a line with its time', (_, details, text) => {
		const log = new Log(join(folder, 'logs', 'sparsight.log'));
		log.write('event', details);
		log.write('event', details);
		const lines = readFileSync(log.path, 'utf8').trimEnd().split('\n');
		expect(lines).toHaveLength(2);
		expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z event/);
		expect(lines[0]!.endsWith(text)).toBe(true);
	});

	it('keeps where an error comes from', () => {
		const log = new Log(join(folder, 'sparsight.log'));
		log.write('fatal', new Error('no way'));
		expect(readFileSync(log.path, 'utf8')).toMatch(/fatal Error: no way\n\s+at .*log\.test\.ts/);
	});

	it.each([
		['is put aside when it is large', 2 ** 20 + 1, true],
		['goes on while it is small', 1000, false],
	])('%s', (_, size, aside) => {
		const path = join(folder, 'sparsight.log');
		writeFileSync(path, 'x'.repeat(size));
		new Log(path).write('event');
		expect(existsSync(`${path}.old`)).toBe(aside);
		expect(readFileSync(path, 'utf8').startsWith('x')).toBe(!aside);
	});

	it.each([
		['the same start', true],
		['the next one', false],
	])('begins a new line behind one that a full disk cut off, in %s', (_, isSame) => {
		const path = join(folder, 'sparsight.log');
		const log = new Log(path);
		log.write('first');
		appendFileSync(path, '2026-11-30T00:00:00.000Z sec');
		(isSame ? log : new Log(path)).write('third');
		const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
		expect(lines.map((line) => line.split(' ')[1])).toEqual(['first', 'sec', 'third']);
	});

	it('that cannot be written ends nothing', () => {
		writeFileSync(join(folder, 'file'), '');
		expect(() => new Log(join(folder, 'file', 'sparsight.log')).write('event')).not.toThrow();
	});
});

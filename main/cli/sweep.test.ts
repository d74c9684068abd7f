import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeClip, openBench, sparsight } from './cli.fixture.ts';

const bench = openBench();
const at = (...names: string[]) => join(bench.folder, ...names);
const sweep = (...words: string[]) =>
	sparsight(bench.folder, ['sweep', 'clip.mp4', '--out', 's', '--provider', 'cpu', ...words]);

beforeAll(() => {
	makeClip(at('clip.mp4'), 8);
	writeFileSync(at('gt.txt'), '1,1,10,10,20,40,1,-1,-1,-1\n2,1,11,10,20,40,1,-1,-1,-1\n');
});
afterAll(bench.close);

it('runs dense and every setting once, says which is cheapest near dense, and goes on when it is run again', async () => {
	const words = ['--vary', 'fraction=0.1,0.5'];
	const first = await sweep(...words, '--json');
	expect(first.code).toBe(0);
	const found = JSON.parse(first.stdout);
	expect(found).toMatchObject({
		measure: 'agreement',
		measuredEarlier: [],
		failures: [],
		runs: [
			{ label: 'dense', reference: 'dense', agreement: { f1: 1 } },
			{ label: 'token-cache:fraction=0.1', reference: 'dense', settings: { fraction: 0.1 } },
			{ label: 'token-cache:fraction=0.5', gmacPerFrame: { mean: expect.any(Number) } },
		],
	});
	expect(found.front.gmacPerFrame[0]).toBe('token-cache:fraction=0.1');
	expect(JSON.parse(readFileSync(at('s', 'sweep.json'), 'utf8'))).toEqual(found);
	expect(readFileSync(at('s', 'sweep.csv'), 'utf8').trim().split('\r\n')).toHaveLength(4);
	expect(readFileSync(at('s', 'report.html'), 'utf8')).toContain('<h2>Accuracy against cost</h2>');

	// One more value, and truth: only what is new is computed.
	const again = await sweep('--vary', 'fraction=0.1,0.5,0.3', '--truth', 'gt.txt');
	expect(again.stderr.match(/complete; nothing left to do/g)).toHaveLength(3);
	expect(again.stdout).toMatch(/^(The cheapest setting within|No setting)/);
	expect(again.stdout).toContain('over 2 frames only, those that both the run (8 frames)');
	expect(again.stdout).toContain('were measured in an earlier session');
});

it('lists a setting that can’t be run, and goes on with the rest', async () => {
	const { code, stdout } = await sweep('--modes', 'eventful,motion', '--vary', 'threshold=3', '--to', '1');
	expect(code, 'of another range: dense is there already').toBe(2);
	expect(stdout).toBe('');
	const other = ['--model', 'lookout-sh', '--modes', 'eventful,motion', '--out', 'other', '--json'];
	const failed = await sweep(...other, '--vary', 'threshold=3', '--to', '1');
	expect(failed.code).toBe(2);
	expect(JSON.parse(failed.stdout)).toMatchObject({
		runs: [{ label: 'dense' }, { label: 'motion:threshold=3' }],
		failures: [{ run: 'eventful:threshold=3', code: 'unknown-mode', message: expect.any(String) }],
	});
	expect(existsSync(at('other', 'report.html'))).toBe(true);
});

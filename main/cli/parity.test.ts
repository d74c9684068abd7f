import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installationFolder } from '../process/installation.ts';
import { refusal } from './parity.ts';
import { type Ended, failureOf, openBench, sparsight, sparsightEach } from './cli.fixture.ts';

const FIXTURES = join(installationFolder(), 'main', 'parity', 'fixtures');
const bench = openBench();
const at = (name: string) => join(bench.folder, name);
const parity = (...words: string[]) => sparsight(bench.folder, ['parity', ...words]);

type Description = { tolerance: { abs: number; rel: number } } & Record<string, unknown>;

/** A copy of a case, its description changed. */
function copyCase(source: string, name: string, change: (description: Description) => void = () => {}): void {
	cpSync(join(FIXTURES, source), at(name), { recursive: true });
	const path = join(at(name), 'case.json');
	const description = JSON.parse(readFileSync(path, 'utf8')) as Description;
	change(description);
	writeFileSync(path, JSON.stringify(description));
}

beforeAll(() => {
	copyCase('sparse-detr/dam', 'cases/map');
	copyCase('enact/clustering', 'cases/clusters');
	copyCase('sparse-detr/mask-predictor', 'strict', ({ tolerance }) => {
		tolerance.abs = 0;
		tolerance.rel = 0;
	});
});
afterAll(bench.close);

describe('cases that can be run', () => {
	it('are told one by one, those of a folder by name, and then as tables', async () => {
		const { code, stdout, stderr } = await parity('cases', 'cases/map');
		expect(code).toBe(0);
		expect(stderr).toBe('cases/clusters: pass\ncases/map: pass\ncases/map: pass\n');
		const titles = stdout.split('\n').filter((line) => /^\S+\/\S+: /.test(line));
		expect(titles).toEqual(['enact/clustering: pass', 'sparse-detr/dam: pass', 'sparse-detr/dam: pass']);
		expect(stdout).toMatch(/^output +numbers +largest abs +largest rel +rule/m);
	});

	it('are one JSON object with --json, and nothing else is said', async () => {
		const { code, stdout, stderr } = await parity('cases/map', 'cases/clusters', '--json');
		expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
		const { passed, cases } = JSON.parse(stdout);
		expect(passed).toBe(true);
		expect(cases).toMatchObject([
			{ folder: at('cases/map'), system: 'sparse-detr', case: 'dam', passed: true },
			{ folder: at('cases/clusters'), system: 'enact', case: 'clustering', passed: true },
		]);
		expect(cases[0].findings[0]).toEqual({
			output: expect.any(String),
			rule: expect.stringMatching(/^(close|equal)$/),
			elements: expect.any(Number),
			largestAbsolute: expect.any(Number),
			largestRelative: expect.any(Number),
			passed: true,
		});
	});

	it('end in exit code 1 where one differs by more than it allows, the others run', async () => {
		const { code, stdout } = await parity('strict', 'cases/map', '--json');
		expect(code).toBe(1);
		const { passed, cases } = JSON.parse(stdout);
		expect(passed).toBe(false);
		expect(cases.map((result: { passed: boolean }) => result.passed)).toEqual([false, true]);
		const worst = cases[0].findings.find((finding: { passed: boolean }) => !finding.passed);
		expect(worst.largestAbsolute).toBeGreaterThan(0);

		const words = await parity('strict');
		expect(words).toMatchObject({ code: 1, stderr: 'strict: FAIL\n' });
		expect(words.stdout).toMatch(/ FAIL$/m);
	});

	it('run also where another one of them cannot be, which is told in its place', async () => {
		copyCase('sparse-detr/dam', 'mixed/a', (description) => (description['system'] = 'yolo'));
		copyCase('sparse-detr/dam', 'mixed/b');
		const { code, stdout } = await parity('mixed', '--json');
		expect(code).toBe(3);
		expect(JSON.parse(stdout)).toMatchObject({
			passed: false,
			cases: [
				{ folder: at('mixed/a'), passed: false, error: { code: 'file-unreadable' } },
				{ folder: at('mixed/b'), passed: true },
			],
		});
		expect(stdout).not.toContain('"stack"');

		const words = await parity('mixed');
		expect(words.code).toBe(3);
		expect(words.stderr).toMatch(/^mixed\/a: .*\(got "yolo"\)\.\nmixed\/b: pass\n$/);
		expect(words.stdout).toMatch(/^sparse-detr\/dam: pass\n/);
	});
});

it.each([
	['a case that cannot be read', 'file-unreadable', 'x: no.'],
	['a mistake of ours', 'internal', 'FAIL, by a mistake of Sparsight: x: no.'],
] as const)('tells %s', (_, code, words) => {
	expect(refusal({ code, message: 'x: no.', remedy: null })).toBe(words);
});

describe('bad input', () => {
	beforeAll(() => {
		mkdirSync(at('empty'));
		mkdirSync(at('broken'));
		writeFileSync(at('broken/case.json'), '{ "system": "enact", ');
		mkdirSync(at('list'));
		writeFileSync(at('list/case.json'), '[]');
		copyCase('sparse-detr/dam', 'unknown', (description) => (description['system'] = 'yolo'));
		copyCase('sparse-detr/dam', 'inherited', (description) => (description['system'] = 'toString'));
		copyCase('eventful/spatial_base', 'no-config', (description) => delete description['config']);
		copyCase('sparse-detr/rho-0.3', 'no-inputs', (description) => {
			delete (description['config'] as Record<string, unknown>)['inputs'];
		});
		copyCase('eventful/full_top_fraction', 'no-policy', (description) => {
			description['steps'] = [{ frame: 0, policy: { type: 'best' } }];
		});
		copyCase('sparse-detr/dam', 'no-weights', (description) => (description['weights'] = 'none.safetensors'));
		copyCase('eventful/spatial_base', 'no-tensors');
		rmSync(at('no-tensors/tensors.safetensors'));
		copyCase('sparse-detr/dam', 'cut');
		const bytes = readFileSync(at('cut/tensors.safetensors'));
		writeFileSync(at('cut/tensors.safetensors'), bytes.subarray(0, -7));
	});

	const rows: [string, string[], number, string, string][] = [
		['no folder named', [], 2, 'bad-argument', "'case'"],
		['no such folder', ['none'], 3, 'file-not-found', 'none holds no case'],
		['a folder without cases', ['empty'], 3, 'file-not-found', 'empty holds no case'],
		['a file', ['cut/tensors.safetensors'], 3, 'file-not-found', 'holds no case'],
		['a description that breaks off', ['broken'], 3, 'file-unreadable', 'broken/case.json'],
		['a description that is a list', ['list'], 3, 'file-unreadable', 'list/case.json'],
		['an unknown system', ['unknown'], 3, 'file-unreadable', '(got "yolo")'],
		['a system by a name that all objects have', ['inherited'], 3, 'file-unreadable', '(got "toString")'],
		['a case without configuration', ['no-config'], 3, 'file-unreadable', 'no-config/case.json: config '],
		[
			'a configuration without inputs',
			['no-inputs'],
			3,
			'file-unreadable',
			'case.json: config is not what a case may hold (inputs: ',
		],
		['a policy that there is not', ['no-policy'], 3, 'file-unreadable', 'no-policy/case.json: steps '],
		['weights that are not there', ['no-weights'], 3, 'file-not-found', 'none.safetensors'],
		['tensors that are not there', ['no-tensors'], 3, 'file-unreadable', 'no-tensors/tensors.safetensors'],
		['tensors that are cut off', ['cut'], 3, 'model-unreadable', 'the file is cut off: 7 bytes'],
		['a good case before a bad one', ['cases/map', 'none'], 3, 'file-not-found', 'none holds no case'],
	];
	let ended: Ended[];
	beforeAll(async () => {
		const lines = rows.map(([, words]) => ['parity', ...words, '--json']);
		ended = await sparsightEach(bench.folder, lines);
	});

	it.each(rows.map(([title, , ...expected], i) => [title, i, ...expected] as const))(
		'%s: one sentence, one JSON object, no stack trace',
		(_, i, exitCode, code, place) => {
			const failure = failureOf(ended[i]!);
			expect(failure).toEqual({ exitCode, code, message: expect.stringContaining(place) });
		},
	);
});

import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Detections } from '../../domain/detections.ts';
import type { ZoneSet } from '../../domain/zones.ts';
import type { Evaluation } from '../../evaluation/evaluate-run.ts';
import { report } from '../report.ts';
import {
	inTemporaryFolder,
	OTHER_MODEL,
	storeSampleRun,
	TOO_SMALL,
	walker,
	type SampleRun,
} from '../run.fixture.ts';
import type { Chart } from './charts.ts';

async function page(
	samples: SampleRun[],
	labels?: string[],
	truth?: (Evaluation | null)[],
	zones: ZoneSet | null = null,
): Promise<string> {
	return inTemporaryFolder(async (folder) => {
		const runs = [];
		for (const [i, sample] of samples.entries())
			runs.push(await storeSampleRun(join(folder, `run${i}`), sample));
		const out = join(folder, 'report.html');
		const request = {
			runs,
			labels: labels ?? runs.map((run) => run.header.mode),
			out,
			range: null,
			settings: {},
			zones,
		};
		await report.write(truth ? { ...request, truth } : request);
		return readFile(out, 'utf8');
	});
}

function chartsOf(text: string): { frames: number[]; charts: Chart[] } {
	const data = /<script type="application\/json" id="charts">([^<]*)<\/script>/.exec(text);
	return JSON.parse(data![1]!);
}

/** The cells of a run's row in the first table that has one, under the names of their columns. */
function rowOf(text: string, label: string): Record<string, string> {
	const plain = (cell: string) => cell.replace(/<[^>]*>/g, '').trim();
	const table = /<h2>Runs<\/h2>[^]*?<table>([^]*?)<\/table>/.exec(text)![1]!;
	const lines = table
		.match(/<tr>[^]*?<\/tr>/g)!
		.map((line) => line.match(/<t[hd][^>]*>[^]*?<\/t[hd]>/g)!.map(plain));
	const heads = lines[1]!;
	const cells = lines.find(([first]) => first === label)!;
	return Object.fromEntries(heads.map((head, i) => [`${head}`, cells[i]!]).reverse());
}

const DENSE: SampleRun = { mode: 'dense', runMilliseconds: 98 };

describe('report', () => {
	it('asks nothing of any network and runs only what it carries', async () => {
		const text = await page([{}, DENSE]);
		expect(text).not.toMatch(/(?:src|href)=|@import|url\(|https?:\/\/(?!github\.com\/leeoniya\/uPlot)/);
		const policy = /Content-Security-Policy"\s+content="([^"]*)"/.exec(text)![1]!.replaceAll('&#39;', "'");
		expect(policy).toMatch(/^default-src 'none'; script-src '/);
		const inline = [...text.matchAll(/<(script|style)>([^]*?)<\/\1>/g)];
		expect(inline).toHaveLength(4);
		for (const [, name, content] of inline) {
			const hash = createHash('sha256').update(content!).digest('base64');
			expect(policy, `${name} of ${content!.length} characters`).toContain(`'sha256-${hash}'`);
		}
		expect(text).not.toContain(' style=');
		expect(text).not.toMatch(/ on\w+="/);
	});

	it('carries scripts that a browser can parse', async () => {
		const text = await page([{}]);
		for (const [, script] of text.matchAll(/<script>([^]*?)<\/script>/g)) {
			expect(() => runInNewContext(`(() => {\n${script}\n});`)).not.toThrow();
		}
	});

	it('compares each run with the dense one', async () => {
		const cells = rowOf(await page([{}, DENSE], ['cache', 'dense']), 'cache');
		// The run stage takes 98 against 10 ms, all stages 100 against 12 ms; both runs see the same person.
		expect(cells).toMatchObject({ F1: '1.000', lost: '0', gained: '0', 'mean IoU': '1.000', share: '8.3 %' });
		expect(cells['total']).toBe('8.3×');
	});

	it('compares with the dense run of the reduced model, not with a rival’s', async () => {
		const rival: SampleRun = { ...DENSE, runMilliseconds: 18, header: { model: OTHER_MODEL } };
		const text = await page([rival, {}, DENSE], ['rival', 'cache', 'dense']);
		expect(rowOf(text, 'cache')['total']).toBe('8.3×');
		expect(rowOf(text, 'rival')).toMatchObject({ total: '5.0×', F1: '1.000' });
		expect(rowOf(text, 'dense')['total']).toBe('–');
		expect(text).toContain('measured against the dense run dense.');
		const alone = await page([rival, {}], ['rival', 'cache']);
		expect(alone).not.toContain('measured against');
		expect(chartsOf(alone).charts[0]!.series.map(({ label }) => label)).not.toContain('dense');
	});

	it('leaves out what is not known: no dense run, no ground truth', async () => {
		const text = await page([{}]);
		const table = /<h2>Runs<\/h2>[^]*?<\/table>/.exec(text)![0];
		for (const absent of ['speed-up', 'agreement', '>AP<']) expect(table).not.toContain(absent);
		expect(text).not.toContain('<h2>Accuracy</h2>');
		expect(chartsOf(text).charts.map(({ title }) => title)).toEqual([
			'Multiply-adds per frame',
			'Tokens recomputed per frame',
			'Milliseconds per frame: token-cache',
		]);
	});

	it.each([
		['one score for all classes', [0.3, 0.3], '0.3'],
		['the scores of classes, lowest first', [0.5, 0.25], '0.25 bicycle; 0.5 person'],
	])('says from which score boxes are shown: %s', async (_, displayThresholds, text) => {
		expect(await page([{ header: { displayThresholds } }])).toContain(`<td>${text}</td>`);
	});

	it('warns of a budget that is too small, with what was estimated', async () => {
		const text = await page([TOO_SMALL, DENSE], ['tenth', 'dense']);
		expect(text).toContain(
			'tenth: At this budget an estimated 25 % of what dense shows is missing or misplaced from 0:00.3 on; 50 % of the tokens would do. Measured against the dense run: an agreement of 1.000.',
		);
		expect(rowOf(text, 'tenth')).toMatchObject({
			lowest: '0.750',
			'wait, frames': '38',
			stale: '12',
			'of the cost': '3.4 %',
		});
		expect(rowOf(text, 'dense')).toMatchObject({ lowest: '–', stale: '–' });
		const { charts } = chartsOf(text);
		const estimate = charts.find(({ title }) => title === 'Estimated agreement with dense')!;
		expect(estimate.series.map(({ label, values }) => [label, values[8]])).toEqual([
			['tenth', 0.75],
			['tenth: lower bound', 0.5],
			['tenth: upper bound', 0.875],
			['tenth: audits', 0.75],
		]);
		// The audit, of which frame 8 is one, is not marked as a scene cut.
		expect(charts[0]!.marks).toEqual([
			{ label: 'tenth', colour: 'run-0', shape: 'triangle', frames: [0] },
			{ label: 'tenth', colour: 'run-0', shape: 'dot', frames: [8] },
		]);
		expect(charts.map(({ title }) => title)).toContain('Tokens that wait, and the longest wait');
		expect(await page([{}])).not.toContain('class="warning');
	});

	it('says whether the camera was followed, from when to when, and how far it went', async () => {
		const settings = { camera: 'auto' };
		const path = (i: number) => ({ x: 3 * i, y: 4 * i, scale: 1, rotation: 0, gridX: 0, gridY: 0 });
		const panning: SampleRun = {
			header: { settings },
			cameraOf: (i) => (i < 2 || i === 6 ? undefined : path(i)),
		};
		const text = await page([panning, { header: { settings } }, DENSE], ['pan', 'still', 'dense']);
		const section = /<h2>Camera<\/h2>[^]*?<h2>/.exec(text)![0];
		const cells = (label: string) =>
			[...section.matchAll(/<tr>[^]*?<\/tr>/g)]
				.map(([row]) => [...row.matchAll(/<t[hd][^>]*>([^]*?)<\/t[hd]>/g)])
				.map((row) => row.map(([, cell]) => cell!.replace(/<[^>]*>/g, '').trim()))
				.find(([first]) => first === label);
		expect(cells('pan')).toEqual([
			'pan',
			'auto',
			'followed from 0:00:00.200 to 0:00:00.500, from 0:00:00.700 to 0:00:01.100',
			'9 of 12',
			'35',
		]);
		expect(cells('still')).toEqual(['still', 'auto', 'fixed', '–', '–']);
		expect(cells('dense')).toBeUndefined();
		expect(section.match(/<svg/g)).toHaveLength(1);
		expect(section.match(/<polyline/g)).toHaveLength(2);
		expect(await page([DENSE])).not.toContain('<h2>Camera</h2>');
	});

	it('draws accuracy against cost where several runs are measured against a dense one', async () => {
		const blind: SampleRun = { detectionsOf: (i) => (i % 2 ? Detections.none : walker(i)) };
		const text = await page([DENSE, { runMilliseconds: 20 }, blind], ['dense', 'near', 'blind']);
		const section = /<h2>Accuracy against cost<\/h2>[^]*?<h2>/.exec(text)![0];
		expect(section).toContain(
			'The cheapest setting within 1 point of dense: near, 0.20 of 2.00 GMAC a frame, agreement 1.000; also the fastest (22.0 of 100.0 ms).',
		);
		expect(section.match(/class="point /g)).toHaveLength(2 * 3);
		expect(section.match(/class="best"/g)).toHaveLength(2);
		expect(await page([DENSE, {}])).not.toContain('<h2>Accuracy against cost</h2>');
		expect(await page([{}, blind])).not.toContain('<h2>Accuracy against cost</h2>');
	});

	it('counts at zones and lines, where some were drawn', async () => {
		const zones: ZoneSet = {
			format: 'sparsight-zones',
			version: 1,
			pictureSize: { width: 64, height: 48 },
			anchor: 'bottom',
			hysteresis: 0,
			zones: [{ id: 'z', name: 'Yard <1>', points: [[0, 0], [64, 0], [64, 48], [0, 48]] }], // prettier-ignore
			lines: [{ id: 'l', name: 'Gate', from: [20, 0], to: [20, 48] }],
		};
		const text = await page([{ frames: 30 }], undefined, undefined, zones);
		const section = /<h2>Zones, lines and events<\/h2>[^]*?<h2>/.exec(text)![0];
		const cells = section.match(/<tr>[^]*?<\/tr>/g)!.map((row) => row.replace(/<[^>]*>|\s+/g, ' ').trim());
		expect(cells).toContainEqual(expect.stringMatching(/^Gate +person +0 +1$/));
		expect(cells).toContainEqual(expect.stringMatching(/^Yard &lt;1&gt; +person +0 +0 +1 +1 /));
		expect(cells).toContainEqual(expect.stringMatching(/^crossed +1 .*, Gate/));
		expect(section.match(/<polygon/g)).toHaveLength(1);
	});

	it('shows average precision per run and per class', async () => {
		const accuracy = { ap50: 0.7071, ap50to95: 0.3, ap50AllPoint: 0.7, precision: 0.8, recall: null };
		const evaluation: Evaluation = {
			truthPath: 'gt.txt',
			truthFormat: 'mot',
			truthForm: 'MOTChallenge',
			framesCounted: 12,
			framesOfRun: 20,
			framesOfTruth: 12,
			remarks: [{ kind: 'all-persons' }],
			classes: [{ ...accuracy, className: 'person', truthCount: 40, displayThreshold: 0.3 }],
			mean: accuracy,
			unknownClasses: ['tram'],
			unsharedClasses: ['bus'],
		};
		const text = await page([{}, DENSE], ['cache', 'dense'], [evaluation, null]);
		expect(rowOf(text, 'cache')).toMatchObject({ '50': '0.707', '50–95': '0.300' });
		expect(rowOf(text, 'dense')).toMatchObject({ '50': '–' });
		expect(text).toContain('<h2>Accuracy</h2>');
		expect(text).toContain('is measured over 12 frames only, those that both the run (20 frames)');
		expect(text).toContain('every box counts as a person');
		expect(text).toContain('tram');
		expect(text).toContain('not every model here has them: bus.');
	});

	it.each([
		['a label', (hostile: string) => page([{}], [hostile])],
		['a class', (hostile: string) => page([{ classes: [hostile, 'b'] }])],
		['a setting', (hostile: string) => page([{ header: { settings: { [hostile]: hostile } } }])],
		[
			'a file name',
			async (hostile: string) => {
				const video = await inTemporaryFolder(async (f) => (await storeSampleRun(join(f, 'r'))).header.video);
				return page([{ header: { video: { ...video, path: hostile } } }]);
			},
		],
	])('shows %s that looks like HTML as text', async (_what, make) => {
		const text = await make('</script><script>alert(1)</script><b title="x">&');
		expect(text).not.toContain('alert(1)</script>');
		expect(text).not.toContain('<b title');
	});

	it('draws all runs on one axis, with budgets, dense line and full frames', async () => {
		const { frames, charts } = chartsOf(
			await page([{ every: 3 }, { frames: 8 }], ['sparse in time', 'short']),
		);
		expect(frames).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
		const [gigamacs] = charts;
		expect(gigamacs!.series.map(({ label }) => label)).toEqual([
			'a dense frame',
			'sparse in time',
			'short',
			'sparse in time: budget',
			'short: budget',
		]);
		expect(gigamacs!.series[1]!.values).toEqual([2, null, null, 0.2, null, null, 0.2, null, null, 0.2]);
		expect(gigamacs!.series[2]!.values).toEqual([2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, null, null]);
		expect(gigamacs!.marks).toEqual([
			{ label: 'sparse in time', colour: 'run-0', shape: 'triangle', frames: [0] },
			{ label: 'short', colour: 'run-1', shape: 'triangle', frames: [0] },
		]);
	});

	it('stacks the stages so that the top is the total, and shows each on its own', async () => {
		const { charts } = chartsOf(await page([{ frames: 3 }]));
		const stack = charts.at(-1)!;
		expect(stack.series.map(({ values }) => values[1])).toEqual([1, 1.5, 1.75, 11.75, 12]);
		expect(stack.series.map(({ own }) => own![1])).toEqual([1, 0.5, 0.25, 10, 0.25]);
	});

	it('has a table behind every chart', async () => {
		const text = await page([{}, DENSE]);
		const { charts } = chartsOf(text);
		expect(text.match(/<figure>/g)).toHaveLength(charts.length);
		expect(text.match(/<details>[^]*?<table>[^]*?<\/details>/g)).toHaveLength(charts.length);
	});

	it('says so when there is nothing to draw', async () => {
		const text = await page([{ frames: 0, state: 'cancelled' }]);
		expect(text).toContain('No frame was analysed');
		expect(text).toContain('unfinished (cancelled) after 0 frames');
	});

	it('counts the boxes that a run lost', async () => {
		const text = await page([{ detectionsOf: (i) => (i % 2 ? Detections.none : walker(i)) }, DENSE]);
		expect(rowOf(text, 'token-cache')).toMatchObject({ lost: '6', F1: '0.667' });
	});

	it('leaves nothing behind and the older file alone when it is cancelled', async () => {
		await inTemporaryFolder(async (folder) => {
			const run = await storeSampleRun(join(folder, 'run'));
			const out = join(folder, 'report.html');
			await writeFile(out, 'older');
			const request = {
				runs: [run],
				labels: [''],
				out,
				range: null,
				settings: {},
				signal: AbortSignal.abort(),
			};
			await expect(report.write(request)).rejects.toMatchObject({ code: 'cancelled' });
			expect(await readFile(out, 'utf8')).toBe('older');
			expect((await readdir(folder)).sort()).toEqual(['report.html', 'run']);
		});
	});
});

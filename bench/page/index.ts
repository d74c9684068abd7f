import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserFacingError } from '../../main/domain/errors.ts';
import { describeMachine } from '../machine.ts';
import { benchPytorch } from '../pytorch.ts';
import { measureRuns, measureTransformer, type PageOptions, type PageRow } from './measure.ts';
import { measureParts, type PartsTable } from './parts.ts';
import { benchPythonRuntime } from './python-onnxruntime.ts';
import { regressionsOf } from './regressions.ts';
import { SUBJECTS } from './subjects.ts';
import { chartOf, markdownOf, type Page } from './text.ts';

/** Of dense Lookout, here and elsewhere. */
const SIZE = { width: 768, height: 576 };

type Options = PageOptions & {
	folder: string;
	against: string | null;
	tolerance: number;
	/** Only models whose title has one of these words; null = all. */
	only: readonly string[] | null;
	root: string;
	say: (text: string) => void;
};

/**
 * Measures and writes `page.json`, `page.md` and `page.svg` into a folder. Returns sentences on ratios that have become lower than in
 * the JSON file `against` by more than the share `tolerance`.
 */
export async function benchPage(options: Options): Promise<string[]> {
	const { folder, against, tolerance, only, say, threads } = options;
	const before = against === null ? [] : (JSON.parse(await readFile(against, 'utf8')) as Page).rows;
	const isWanted = (title: string) => only === null || only.some((word) => title.includes(word));
	const titles = ['Lookout', ...SUBJECTS.map(({ title }) => title)];
	if (!titles.some(isWanted)) {
		throw new UserFacingError(
			'bad-argument',
			`--models: a part of one of "${titles.join('", "')}" was expected (got "${only!.join(',')}").`,
		);
	}
	const rows: PageRow[] = [];
	const parts: PartsTable[] = [];
	if (isWanted('Lookout')) rows.push(...(await measureRuns(options)));
	for (const subject of SUBJECTS.filter(({ title }) => isWanted(title))) {
		say(`measuring ${subject.title}`);
		rows.push(...(await measureTransformer(subject, options)));
		if (subject.isAlone) parts.push(await measureParts(subject, options));
	}
	const ours = rows.find(({ stagesMs }) => stagesMs !== null); // the first is dense in float32
	const page: Page = {
		machine: describeMachine(),
		threads,
		rows,
		parts,
		others: ours?.stagesMs ? await elsewhere(options, ours.stagesMs.run) : null,
	};
	await mkdir(folder, { recursive: true });
	await writeFile(join(folder, 'page.json'), `${JSON.stringify(page, null, '\t')}\n`);
	await writeFile(join(folder, 'page.md'), markdownOf(page));
	await writeFile(join(folder, 'page.svg'), chartOf(page));
	say(markdownOf(page));
	return regressionsOf(
		rows,
		before.filter(({ model }) => isWanted(model)),
		tolerance,
	);
}

async function elsewhere({ modelPath, threads, root }: Options, oursMs: number): Promise<Page['others']> {
	const same = { modelPath, threads, ...SIZE };
	return {
		pytorch: await benchPytorch({ ...same, referenceFolder: join(root, 'tools/training') }),
		onnxruntime: await benchPythonRuntime({ ...same, script: join(root, 'bench/page/run-onnx.py') }),
		oursMs,
	};
}

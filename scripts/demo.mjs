// npm run demo: from a fresh clone to analysed video. Compares ways of analysing the sample clip, prints the
// table and writes an annotated clip, data files and a report into demo-output/.
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ensureBuild, ensureFfmpeg, ensurePackages, fail, root, run } from './prepare.mjs';

const CLIP = join(root, 'assets', 'samples', 'plaza.mp4');
const RUNS = [
	...['dense', 'token-cache', 'token-cache:fraction=0.05', 'sparse:keep=0.3', 'motion'],
	'dense@lookout-sh', // for comparison, a small static model
];

ensurePackages();
ensureFfmpeg();
ensureBuild();

const out = join(root, 'demo-output');
rmSync(out, { recursive: true, force: true });
mkdirSync(out);

console.error(`Analysing ${shown(CLIP)} in ${RUNS.length} ways …`);
const runsFolder = join(out, 'runs');
sparsight('compare', CLIP, ...RUNS.flatMap((run) => ['--run', run]), '--out', runsFolder);
/** @type {{ runs: { runPath: string }[] }} */
const { runs } = JSON.parse(readFileSync(join(runsFolder, 'comparison.json'), 'utf8'));
const folders = runs.map(({ runPath }) => runPath);
const [dense = '', tokenCache = ''] = folders;

console.error('Writing the annotated clip, the data files and the report …');
const captions = ['--label', 'dense', '--label', 'token cache, quality 0.97'];
exportRuns('video', 'side-by-side.mp4', [dense, tokenCache], captions);
exportRuns('csv', 'detections.csv', [tokenCache]);
exportRuns('jsonl', 'detections.jsonl', [tokenCache]);
exportRuns('report', 'report.html', folders);
copyFileSync(join(runsFolder, 'comparison.json'), join(out, 'comparison.json'));
console.log(shown(join(out, 'comparison.json')));

/**
 * @param {string} format
 * @param {string} name
 * @param {readonly string[]} folders
 * @param {readonly string[]} words
 */
function exportRuns(format, name, folders, words = []) {
	sparsight('export', ...folders, '--format', format, '--out', join(out, name), ...words);
}

/** @param {string} path */
function shown(path) {
	return relative(process.cwd(), path);
}

/**
 * Runs a command of the command line, with its output on ours.
 * @param {string[]} words
 */
function sparsight(...words) {
	const status = run(process.execPath, [join(root, 'bin', 'sparsight.js'), ...words]);
	if (status !== 0) fail(`The demo stopped: "sparsight ${words[0]}" ended with exit code ${status}.`);
}

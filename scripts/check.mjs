// npm run check: everything a change must pass. `--static` leaves the tests out. All steps run, so that one look
// shows all that is wrong.
import { join } from 'node:path';
import { buildIfStale, collectPackage, ensurePackages, root, run } from './prepare.mjs';

const staticOnly = process.argv.includes('--static');
ensurePackages();
// Not before: a fresh clone has no packages yet.
const { faultsBeside, withCanary } = await import('./canary.mjs');

/** @type {(config: string) => Parameters<typeof collectPackage>} */
const tsc = (config) => [
	'typescript-native',
	['--noEmit', '--pretty', 'false', '-p', withCanary(config)],
	'tsc',
];
const pageWords = ['--tsconfig', withCanary('tsconfig.page.json', 'Wrong.svelte'), '--output', 'machine'];

/** Steps that only read: two at a time. The longest ones come first. @type {[name: string, ...Parameters<typeof collectPackage>][]} */
const looks = [
	['lint', 'eslint', ['.', '--ignore-pattern', '**/*.svelte', '--max-warnings', '0']],
	['lint of the page', 'eslint', ['renderer/**/*.svelte', '--max-warnings', '0']],
	['types', ...tsc('tsconfig.json')],
	['types of the page', 'svelte-check', pageWords],
	['format', 'prettier', ['--check', '--log-level', 'warn', '.']],
	['dead code', 'knip', []],
	['types of the journeys', ...tsc('tsconfig.e2e.json')],
	['types of the tools', ...tsc('tsconfig.tools.json')],
	['types of the domain', ...tsc('tsconfig.domain.json')],
];
const LANES = 2;

/** @type {string[]} */
const failed = [];
const waiting = [...looks];
await Promise.all(Array.from({ length: LANES }, lookAtNext));
finish('build', buildIfStale());
if (!staticOnly) finish('tests', run(process.execPath, [join(root, 'scripts', 'test.mjs')]));
console.log(failed.length === 0 ? '\nAll checks passed.' : `\nFailed: ${failed.join(', ')}.`);
process.exit(failed.length === 0 ? 0 : 1);

/** One step after another, until none waits. */
async function lookAtNext() {
	for (let look = waiting.shift(); look; look = waiting.shift()) {
		const [name, ...command] = look;
		const { status, printed } = await collectPackage(...command);
		if (!name.startsWith('types')) {
			finish(name, status, printed);
			continue;
		}
		// These must find the canary, and nothing else.
		const faults = faultsBeside(printed);
		finish(name, faults === '' ? 0 : 1, faults);
	}
}

/** @param {string} name @param {number} status */
function finish(name, status, printed = '') {
	console.log(`${status === 0 ? 'passed' : 'FAILED'}: ${name}`);
	if (status !== 0) failed.push(name);
	if (status !== 0 && printed !== '') console.log(printed.trimEnd());
}

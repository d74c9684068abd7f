// npm run check: everything a change must pass. `--static` leaves the tests out. All steps run, so that one look
// shows all that is wrong.
import { join } from 'node:path';
import { buildIfStale, collectPackage, ensurePackages, root, run } from './prepare.mjs';

const staticOnly = process.argv.includes('--static');
ensurePackages();

/** Steps that only read: two at a time. The longest ones come first. @type {[name: string, ...Parameters<typeof collectPackage>][]} */
const looks = [
	['lint', 'eslint', ['.', '--max-warnings', '0']],
	['types', 'typescript-native', ['--noEmit', '-p', '.'], 'tsc'],
	['types of the page', 'svelte-check', ['--tsconfig', 'tsconfig.page.json', '--fail-on-warnings']],
	['format', 'prettier', ['--check', '--log-level', 'warn', '.']],
	['dead code', 'knip', []],
	['types of the journeys', 'typescript-native', ['-p', 'tsconfig.e2e.json'], 'tsc'],
	['types of the tools', 'typescript-native', ['-p', 'tsconfig.tools.json'], 'tsc'],
	['types of the domain', 'typescript-native', ['-p', 'tsconfig.domain.json'], 'tsc'],
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
		finish(name, status, printed);
	}
}

/** @param {string} name @param {number} status */
function finish(name, status, printed = '') {
	console.log(`${status === 0 ? 'passed' : 'FAILED'}: ${name}`);
	if (status !== 0) failed.push(name);
	if (status !== 0 && printed !== '') console.log(printed.trimEnd());
}

// npm run check: everything a change must pass. `--static` leaves the tests out. All steps run, so that one look
// shows all that is wrong.
import { join } from 'node:path';
import { buildIfStale, ensurePackages, root, run, runPackage } from './prepare.mjs';

const staticOnly = process.argv.includes('--static');
ensurePackages();

/** @type {[name: string, step: () => number, wanted?: boolean][]} */
const steps = [
	['types', () => runPackage('typescript', ['--noEmit', '-p', '.'], 'tsc')],
	['types of the domain', () => runPackage('typescript', ['-p', 'tsconfig.domain.json'], 'tsc')],
	['types of the journeys', () => runPackage('typescript', ['-p', 'tsconfig.e2e.json'], 'tsc')],
	['types of the tools', () => runPackage('typescript', ['-p', 'tsconfig.tools.json'], 'tsc')],
	[
		'types of the page',
		() => runPackage('svelte-check', ['--tsconfig', 'tsconfig.page.json', '--fail-on-warnings']),
	],
	['lint', () => runPackage('eslint', ['.', '--max-warnings', '0'])],
	['format', () => runPackage('prettier', ['--check', '--log-level', 'warn', '.'])],
	['dead code', () => runPackage('knip', [])],
	['build', () => buildIfStale()],
	['tests', () => run(process.execPath, [join(root, 'scripts', 'test.mjs')]), !staticOnly],
];

const failed = [];
for (const [name, step, wanted = true] of steps) {
	if (!wanted) continue;
	console.log(`\n== ${name}`);
	if (step() !== 0) failed.push(name);
}
console.log(failed.length === 0 ? '\nAll checks passed.' : `\nFailed: ${failed.join(', ')}.`);
process.exit(failed.length === 0 ? 0 : 1);

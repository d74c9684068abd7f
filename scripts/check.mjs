// npm run check: everything a change must pass. `--static` leaves the tests out. All steps run, so that one look
// shows all that is wrong.
import { join, resolve } from 'node:path';
import { buildIfStale, collectPackage, ensurePackages, root, run } from './prepare.mjs';

const staticOnly = process.argv.includes('--static');
ensurePackages();
// Not before: a fresh clone has no packages yet.
const { faultsBeside, removeAtEnd, withCanary } = await import('./canary.mjs');

/** @type {(config: string) => Parameters<typeof collectPackage>} */
const tsc = (config) => [
	'@typescript/native-preview',
	['--noEmit', '--pretty', 'false', '-p', withCanary(config)],
	'tsc',
];
// Beside the others: the checker takes the folder of its configuration for the root of all paths.
const pageConfig = withCanary('tsconfig.page.json', 'Wrong.svelte', root);
// The linter looks at components where the checker has translated them, which it would not do if git ignored that folder.
removeAtEnd([pageConfig, 'Wrong.svelte', '.svelte-check'].map((made) => resolve(root, made)));

/**
 * Steps that only read: two at a time. The longest ones come first; what `then` says comes after the step before it, which makes
 * what it looks at. @typedef {{ name: string; command: Parameters<typeof collectPackage>; then?: Look }} Look
 */
/** @type {Look[]} */
const looks = [
	{ name: 'lint', command: ['eslint', ['.', '--max-warnings', '0']] },
	{
		name: 'types of the page',
		command: ['svelte-check', ['--tsgo', '--tsconfig', pageConfig, '--output', 'machine']],
		then: {
			name: 'types in the lint',
			command: ['oxlint', ['--type-aware', '--format', 'unix', '.']],
		},
	},
	{ name: 'types', command: tsc('tsconfig.json') },
	{ name: 'format', command: ['prettier', ['--check', '--log-level', 'warn', '.']] },
	{ name: 'dead code', command: ['knip', []] },
	{ name: 'types of the journeys', command: tsc('e2e/tsconfig.json') },
	{ name: 'types of the tools', command: tsc('tsconfig.tools.json') },
	{ name: 'types of the domain', command: tsc('tsconfig.domain.json') },
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
	for (let look = waiting.shift(); look; look = look.then ?? waiting.shift()) {
		const { name, command } = look;
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

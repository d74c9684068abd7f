// A wrong file beside the right ones: a checker that does not find it checks nothing, and fails.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { root } from './prepare.mjs';

const FOLDER = join(root, 'out', 'canary');

/** Wrong only where the compiler is as strict as ours is told to be. */
const WRONG = `const lengths: number[] = [];\nexport const first: number = lengths[0];\n`;
const CANARIES = {
	'wrong.ts': WRONG,
	'Wrong.svelte': `<script lang="ts">\n\tconst lengths: number[] = [];\n\tconst first: number = lengths[0];\n\tPromise.resolve(first);\n</script>\n\n{first}\n`,
};

/** An error or a warning, as `tsc --pretty false`, `svelte-check --output machine` and `oxlint --format unix` print them. */
const FAULT = /^\S.*\(\d+,\d+\): error |^error TS|^\d+ (ERROR|WARNING) "|^\S.*:\d+:\d+: .*\[Error/;

/**
 * Writes a configuration that checks what `config` does and the canary with it; returns its path.
 * @param {string} config
 * @param {keyof typeof CANARIES} canary
 * @param {string} folder where both are written
 */
export function withCanary(config, canary = 'wrong.ts', folder = FOLDER) {
	const { config: read, error } = ts.readConfigFile(join(root, config), ts.sys.readFile);
	if (error) throw new Error(`${config}: ${ts.flattenDiagnosticMessageText(error.messageText, ' ')}`);
	const inherited = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config.exclude;
	/** @type {(paths: string[], from: string) => string[]} */
	const fromThere = (paths, from) => paths.map((one) => relative(folder, resolve(root, from, one)));
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, canary), CANARIES[canary]);
	const made = {
		extends: `./${relative(folder, join(root, config))}`,
		include: [...fromThere(read.include, dirname(config)), canary],
		exclude: read.exclude ? fromThere(read.exclude, dirname(config)) : fromThere(inherited, '.'),
	};
	const path = join(folder, `${config.replace('/', '-').replace('.json', '')}.canary.json`);
	writeFileSync(path, JSON.stringify(made));
	return path;
}

/**
 * Removes files and folders when this process ends, also where it is interrupted: a linter would look at them.
 * @param {readonly string[]} paths
 */
export function removeAtEnd(paths) {
	process.on('exit', () => {
		for (const path of paths) rmSync(path, { recursive: true, force: true });
	});
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
}

/**
 * What a checker that should have found the canary has to say; empty if it found that, and nothing else.
 * @param {string} printed
 */
export function faultsBeside(printed) {
	const faults = printed.split('\n').filter((line) => FAULT.test(line));
	const others = faults.filter((line) => !/(^|\W)wrong\.(ts|svelte)/i.test(line));
	if (faults.length === others.length) {
		return `The wrong file beside the right ones was not found to be wrong: nothing is checked.\n${printed}`;
	}
	return others.join('\n');
}

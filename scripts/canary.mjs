// A wrong file beside the right ones: a checker that does not find it checks nothing, and fails.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from './prepare.mjs';

const FOLDER = join(root, 'out', 'canary');

/** Wrong only where the compiler is as strict as ours is told to be. */
const WRONG = `const lengths: number[] = [];\nexport const first: number = lengths[0];\n`;
const CANARIES = {
	'wrong.ts': WRONG,
	'Wrong.svelte': `<script lang="ts">\n\tconst lengths: number[] = [];\n\tconst first: number = lengths[0];\n</script>\n\n{first}\n`,
};

/** An error or a warning, as `tsc --pretty false` and `svelte-check --output machine` print them. */
const FAULT = /^\S.*\(\d+,\d+\): error |^error TS|^\d+ (ERROR|WARNING) "/;

/**
 * Writes a configuration that checks what `config` does and the canary with it; returns its path.
 * @param {string} config
 * @param {keyof typeof CANARIES} canary
 */
export function withCanary(config, canary = 'wrong.ts') {
	const { config: read, error } = ts.readConfigFile(join(root, config), ts.sys.readFile);
	if (error) throw new Error(`${config}: ${ts.flattenDiagnosticMessageText(error.messageText, ' ')}`);
	const { include } = read;
	const inherited = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config.exclude;
	const fromHere = (/** @type {string[]} */ paths) => paths.map((path) => `../../${path}`);
	const made = {
		extends: `../../${config}`,
		include: [...fromHere(include), canary],
		exclude: fromHere(read.exclude ?? inherited),
	};
	mkdirSync(FOLDER, { recursive: true });
	writeFileSync(join(FOLDER, canary), CANARIES[canary]);
	const path = join(FOLDER, config);
	writeFileSync(path, JSON.stringify(made));
	return path;
}

/**
 * What a checker that should have found the canary has to say; empty if it found that, and nothing else.
 * @param {string} printed
 */
export function faultsBeside(printed) {
	const faults = printed.split('\n').filter((line) => FAULT.test(line));
	const others = faults.filter((line) => !/out[\\/]canary[\\/]wrong/i.test(line));
	if (faults.length === others.length) {
		return `The wrong file in out/canary/ was not found to be wrong: nothing is checked.\n${printed}`;
	}
	return others.join('\n');
}

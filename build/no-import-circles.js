import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

/** Folders whose modules import each other. */
const FOLDERS = ['main', 'preload', 'renderer', 'bench', 'e2e', 'build'];

/** @type {Map<string, readonly string[]> | null} */
let known = null;

/**
 * Which module of the project imports which, by absolute path, including imports of types. Read once per run from disk,
 * since the linter passes its rules one file at a time.
 * @param {string} root
 */
function importGraph(root) {
	if (known) return known;
	known = new Map();
	for (const folder of FOLDERS.filter((name) => existsSync(join(root, name)))) {
		for (const entry of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
			const path = join(root, folder, entry);
			if (['.ts', '.svelte', '.js'].includes(extname(path))) known.set(path, importsOf(path));
		}
	}
	return known;
}

/** @param {string} path */
function importsOf(path) {
	const text = readFileSync(path, 'utf8');
	const scripts = path.endsWith('.svelte')
		? Array.from(text.matchAll(/<script[^>]*>(.*?)<\/script>/gs), (match) => match[1] ?? '')
		: [text];
	return scripts
		.flatMap((script) => ts.preProcessFile(script, true, true).importedFiles)
		.filter(({ fileName }) => fileName.startsWith('.'))
		.map(({ fileName }) => resolve(dirname(path), fileName.replace(/\?.*$/, '')));
}

/**
 * The shortest path along imports, both ends included; null if there is none.
 * @param {Map<string, readonly string[]>} graph
 * @param {string} from
 * @param {string} to
 */
function shortestWay(graph, from, to) {
	/** @type {Map<string, string | null>} */
	const cameFrom = new Map([[from, null]]);
	for (const path of cameFrom.keys()) {
		if (path === to) {
			/** @type {string[]} */
			const way = [];
			for (let at = /** @type {string | null} */ (path); at !== null; at = cameFrom.get(at) ?? null)
				way.unshift(at);
			return way;
		}
		for (const next of graph.get(path) ?? []) if (!cameFrom.has(next)) cameFrom.set(next, path);
	}
	return null;
}

/** @typedef {Parameters<NonNullable<import('eslint').Rule.RuleListener['ImportDeclaration']>>[0]['source']} Source */

/**
 * Modules that import each other in a circle can only be understood, tested and moved together. Imports of types count:
 * they tie just as much.
 * @type {import('eslint').Rule.RuleModule}
 */
export const noImportCircles = {
	meta: { type: 'problem', schema: [] },
	create(context) {
		const { cwd, filename } = context;
		/** @param {Source | null | undefined} source */
		const check = (source) => {
			if (typeof source?.value !== 'string' || !source.value.startsWith('.')) return;
			const imported = resolve(dirname(filename), source.value.replace(/\?.*$/, ''));
			const way = shortestWay(importGraph(cwd), imported, filename);
			if (way === null) return;
			const names = [filename, ...way].map((path) => relative(cwd, path));
			context.report({ node: source, message: `A circle of imports: ${names.join(' → ')}.` });
		};
		return {
			ImportDeclaration: (node) => check(node.source),
			ExportNamedDeclaration: (node) => check(node.source),
			ExportAllDeclaration: (node) => check(node.source),
			ImportExpression: (node) => check(node.source.type === 'Literal' ? node.source : null),
		};
	},
};

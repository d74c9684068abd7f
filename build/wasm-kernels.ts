import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import asc from 'assemblyscript/asc';
import type { Plugin } from 'vite';

const SUFFIX = '.kernel.ts?wasm';

/** An exported function of a kernel: what it is called, and its parameters in order. */
type Signature = { name: string; parameters: { name: string; type: string }[] };

/**
 * Compiles `import { instantiate } from './x.kernel.ts?wasm'` (AssemblyScript, with SIMD) to WebAssembly inside the
 * bundle, so that kernels are built, tested and shipped like any other module. Their functions take one object with the
 * parameters by name; `main/kernels.d.ts` declares them and is written here.
 */
export function wasmKernels(): Plugin {
	let main = '';
	return {
		name: 'wasm-kernels',
		enforce: 'pre',
		configResolved({ root }) {
			main = resolve(root, 'main');
		},
		buildStart() {
			if (writeDeclarations(main))
				this.error(
					'Kernels changed and main/kernels.d.ts was written anew: check the types, then build again.',
				);
		},
		async load(id) {
			if (!id.endsWith(SUFFIX)) return null;
			const path = id.slice(0, -'?wasm'.length);
			this.addWatchFile(path);
			const source = readFileSync(path, 'utf8');
			return moduleOf(await compile(source, path), signaturesOf(source, path));
		},
	};
}

/** The functions that a kernel exports. Throws where one is written so that its parameters can't be read. */
function signaturesOf(source: string, path: string): Signature[] {
	const functions = [...source.matchAll(/^export function (\w+)\(([^)]*)\): void \{$/gm)];
	if (functions.length !== source.match(/^export /gm)?.length)
		throw new Error(`${path}: a kernel exports functions without a result, and nothing else.`);
	return functions.map(([, name, list]) => ({
		name: name!,
		parameters: list!
			.split(',')
			.map((parameter) => parameter.trim())
			.filter((parameter) => parameter !== '')
			.map((parameter) => {
				const [parameterName, type] = parameter.split(/\s*:\s*/);
				if (!type || !Object.hasOwn(TYPES, type))
					throw new Error(`${path}: ${name} takes a parameter that is not understood: ${parameter}.`);
				return { name: parameterName!, type };
			}),
	}));
}

/** A kernel's parameters as JavaScript gives them. */
const TYPES: Record<string, string> = {
	usize: 'number',
	i32: 'number',
	f32: 'number',
	bool: 'boolean',
};

/** Brings the declarations of all kernels in a folder up to date; true where they were not. */
function writeDeclarations(folder: string): boolean {
	const declarations = resolve(folder, 'kernels.d.ts');
	const kernels = readdirSync(folder, { recursive: true, encoding: 'utf8' })
		.filter((path) => path.endsWith('.kernel.ts'))
		.map((path) => resolve(folder, path))
		.sort();
	const text = [
		'// Written by build/wasm-kernels.ts from what the kernels export.\n',
		...kernels.map((path) => declarationOf(readFileSync(path, 'utf8'), path)),
	].join('\n');
	if (existsSync(declarations) && readFileSync(declarations, 'utf8') === text) return false;
	writeFileSync(declarations, text);
	return true;
}

function declarationOf(source: string, path: string): string {
	const methods = signaturesOf(source, path).map(({ name, parameters }) => {
		const fields = parameters.map((parameter) => `\t\t\t${parameter.name}: ${TYPES[parameter.type]};\n`);
		return `\t\t${name}(parameters: {\n${fields.join('')}\t\t}): void;\n`;
	});
	return [
		`declare module '*/${basename(path)}?wasm' {\n`,
		`\texport type Kernel = {\n${methods.join('')}\t};\n`,
		'\t/** The functions over `memory`, in which all addresses are byte offsets. */\n',
		'\texport function instantiate(memory: WebAssembly.Memory): Kernel;\n',
		'}\n',
	].join('');
}

function moduleOf(bytes: Uint8Array, signatures: readonly Signature[]): string {
	const methods = signatures.map(({ name, parameters }) => {
		const names = parameters.map((parameter) => parameter.name).join(', ');
		return `${name}: ({ ${names} }) => exports.${name}(${names}),`;
	});
	return `
		const compiled = new WebAssembly.Module(Buffer.from('${Buffer.from(bytes).toString('base64')}', 'base64'));
		export function instantiate(memory) {
			const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
			return { ${methods.join('\n')} };
		}`;
}

async function compile(source: string, path: string): Promise<Uint8Array> {
	let wasm: Uint8Array | null = null;
	// prettier-ignore
	const options = [
		'kernel.ts', '--outFile', 'kernel.wasm',
		'--runtime', 'stub', '--enable', 'simd', '--importMemory', '-O3', '--noAssert',
	];
	const stderr = asc.createMemoryStream();
	const { error } = await asc.main(options, {
		stderr,
		readFile: (name) => (name === 'kernel.ts' ? source : null),
		writeFile: (name, contents) => {
			if (name === 'kernel.wasm') wasm = contents as Uint8Array;
		},
		listFiles: () => [],
	});
	if (error || !wasm)
		throw new Error(`${path} does not compile: ${error?.message ?? ''}\n${stderr.toString()}`);
	return wasm;
}

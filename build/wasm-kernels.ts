import { readFileSync } from 'node:fs';
import asc from 'assemblyscript/asc';
import type { Plugin } from 'vite';

const SUFFIX = '.kernel.ts?wasm';

/**
 * Compiles `import bytes from './x.kernel.ts?wasm'` (AssemblyScript, with SIMD) to WebAssembly bytes inside
 * the bundle, so that kernels are built, tested and shipped like any other module.
 */
export function wasmKernels(): Plugin {
	return {
		name: 'wasm-kernels',
		enforce: 'pre',
		async load(id) {
			if (!id.endsWith(SUFFIX)) return null;
			const path = id.slice(0, -'?wasm'.length);
			this.addWatchFile(path);
			const bytes = await compile(readFileSync(path, 'utf8'), path);
			const base64 = Buffer.from(bytes).toString('base64');
			return `export default new Uint8Array(Buffer.from('${base64}', 'base64'));`;
		},
	};
}

async function compile(source: string, path: string): Promise<Uint8Array> {
	let wasm: Uint8Array | null = null;
	const { error, stderr } = await asc.main(
		[
			'kernel.ts',
			'--outFile',
			'kernel.wasm',
			'--runtime',
			'stub',
			'--enable',
			'simd',
			'--importMemory',
			'-O3',
			'--noAssert',
		],
		{
			readFile: (name) => (name === 'kernel.ts' ? source : null),
			writeFile: (name, contents) => {
				if (name === 'kernel.wasm') wasm = contents as Uint8Array;
			},
			listFiles: () => [],
		},
	);
	if (error || !wasm)
		throw new Error(`${path} does not compile: ${error?.message ?? ''}\n${stderr.toString()}`);
	return wasm;
}

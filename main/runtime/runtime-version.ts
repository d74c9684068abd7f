import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const MANIFEST = 'onnxruntime-node/package.json';

/** Version of the installed inference runtime, read without loading it. */
export function runtimeVersion(): string {
	const manifest: unknown = createRequire(import.meta.url)(MANIFEST);
	return (manifest as { version: string }).version;
}

/** Where the runtime's libraries for this system lie: those of some execution providers are installed separately. */
export function runtimeLibraries(): string {
	const folder = dirname(createRequire(import.meta.url).resolve(MANIFEST));
	return join(folder, 'bin', 'napi-v6', process.platform, process.arch);
}

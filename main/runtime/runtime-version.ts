import { createRequire } from 'node:module';

/** Version of the installed inference runtime, read without loading it. */
export function runtimeVersion(): string {
	const manifest: unknown = createRequire(import.meta.url)('onnxruntime-node/package.json');
	return (manifest as { version: string }).version;
}

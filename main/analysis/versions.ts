import { createRequire } from 'node:module';
import product from '../../package.json' with { type: 'json' };

/** Version of this program. */
export const PRODUCT_VERSION: string = product.version;

/** Version of the installed inference runtime, read without loading it. */
export function runtimeVersion(): string {
	const manifest: unknown = createRequire(import.meta.url)('onnxruntime-node/package.json');
	return (manifest as { version: string }).version;
}

import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { VideoIdentity } from '../domain/run.ts';

const EDGE_BYTES = 1 << 20;

/**
 * Size of the file and the SHA-256 of its first mebibyte followed by its last one; the two overlap in files
 * below two mebibytes. Throws what `open` throws.
 */
export async function identifyVideo(path: string): Promise<VideoIdentity> {
	const file = await open(path);
	try {
		const fileBytes = (await file.stat()).size;
		const edge = Buffer.alloc(Math.min(EDGE_BYTES, fileBytes));
		const hash = createHash('sha256');
		for (const start of [0, fileBytes - edge.length]) {
			let filled = 0;
			while (filled < edge.length) {
				const { bytesRead } = await file.read(edge, filled, edge.length - filled, start + filled);
				if (bytesRead === 0) break; // the file is shrinking under us
				filled += bytesRead;
			}
			hash.update(edge.subarray(0, filled));
		}
		return { fileBytes, edgesSha256: hash.digest('hex') };
	} finally {
		await file.close();
	}
}

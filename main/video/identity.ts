import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { VideoIdentity } from '../domain/run.ts';

const EDGE_BYTES = 1 << 20;

/** A name for the folders of one video's runs and copies, independent of the file's path. */
export function identityKey({ edgesSha256, fileBytes }: VideoIdentity): string {
	return `${edgesSha256.slice(0, 32)}-${fileBytes}`;
}

/**
 * Size of the file and the SHA-256 of its first mebibyte followed by its last one; the two overlap in files
 * below two mebibytes. `length`: as if the file ended after so many bytes. Throws what `open` throws.
 */
export async function identifyVideo(path: string, length = Number.POSITIVE_INFINITY): Promise<VideoIdentity> {
	const file = await open(path);
	try {
		const fileBytes = Math.min((await file.stat()).size, length);
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

/** `grown`: longer, and the same up to the end of what it was, as a recording that went on. */
export type SameVideo = 'same' | 'grown' | 'other';

/** Whether the file at `path`, of identity `now`, is the one that was `before`. Throws what `open` throws. */
export async function compareVideo(
	path: string,
	now: VideoIdentity,
	before: VideoIdentity,
): Promise<SameVideo> {
	const isBefore = ({ fileBytes, edgesSha256 }: VideoIdentity) =>
		fileBytes === before.fileBytes && edgesSha256 === before.edgesSha256;
	if (isBefore(now)) return 'same';
	if (now.fileBytes <= before.fileBytes) return 'other';
	return isBefore(await identifyVideo(path, before.fileBytes)) ? 'grown' : 'other';
}

import { join } from 'node:path';
import type { VideoIdentity } from '../domain/run.ts';
import type { VideoInfo } from '../domain/video.ts';
import { touch, trimFolder } from '../process/cache-folder.ts';
import { readJsonFile, writeJsonFile } from '../process/json-file.ts';
import { PRODUCT_VERSION } from '../process/product-version.ts';
import { videoInfoSchema } from '../results/header.ts';
import { findFfmpeg } from '../video/ffmpeg-binary.ts';
import { probeVideo } from '../video/probe.ts';
import { identityKey } from '../video/identity.ts';

const MOST_CACHED_BYTES = 4 * 2 ** 20;

/** What files say about themselves, by their content: a program is asked once, which takes a quarter of a second for long videos. */
export class ProbeCache {
	readonly #folder: string;

	/** `folder` may be deleted at any time. */
	constructor(folder: string) {
		this.#folder = folder;
	}

	/** As `probeVideo`, of a file of that identity. Throws what that throws, which is not kept. */
	async probe(path: string, identity: VideoIdentity): Promise<VideoInfo> {
		// Other versions may say something else.
		const { version } = await findFfmpeg();
		const versions = `${version}-${PRODUCT_VERSION}`.replace(/[^\w.-]/g, '_');
		const place = join(this.#folder, `${identityKey(identity)}-${versions}.json`);
		const known = await readJsonFile(place, videoInfoSchema);
		if (known) {
			await touch(place);
			return { ...known, path };
		}
		const info = await probeVideo(path);
		// A cache that cannot be written costs time at the next opening, nothing else.
		await writeJsonFile(place, info)
			.then(() => trimFolder(this.#folder, MOST_CACHED_BYTES, new Set([place])))
			.catch(() => undefined);
		return info;
	}
}

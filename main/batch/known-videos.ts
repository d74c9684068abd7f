import type { VideoIdentity } from '../domain/run.ts';
import type { VideoInfo } from '../domain/video.ts';
import { identifyVideo } from '../video/identity.ts';
import { probeVideo } from '../video/probe.ts';

export type KnownVideo = { video: VideoInfo; identity: VideoIdentity };

/** Looks at the file of the next job while another one is going: starting ffmpeg takes as long as several frames. */
export class KnownVideos {
	/** One file is enough: jobs come one after another. */
	#ahead: { path: string; known: Promise<KnownVideo | null> } | null = null;

	/** Looks at a file; what can't be read is left to its job to say. */
	look(path: string): void {
		if (this.#ahead?.path === path) return;
		const known = Promise.all([identifyVideo(path), probeVideo(path)]).then(
			([identity, video]) => ({ identity, video }),
			() => null,
		);
		this.#ahead = { path, known };
	}

	/** What was found of a file; null where it was not looked at. */
	find(path: string): Promise<KnownVideo | null> {
		return this.#ahead?.path === path ? this.#ahead.known : Promise.resolve(null);
	}
}

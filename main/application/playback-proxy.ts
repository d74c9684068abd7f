import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostEvent } from '../../preload/contract.ts';
import { errorToData, UserFacingError } from '../domain/errors.ts';
import { scaledTo } from '../domain/frame.ts';
import { WHOLE_VIDEO, type Size, type VideoInfo } from '../domain/video.ts';
import { readFrames } from '../video/read-frames.ts';
import { openVideoWriter } from '../video/write-video.ts';
import { makeFolder } from '../process/make-folder.ts';
import { touch, trimFolder } from '../process/cache-folder.ts';
import { identityKey } from '../video/identity.ts';
import type { KnownVideo } from './videos.ts';

/** Longer side of a copy, in pixels: what a pane shows, and quick to code. */
const LONGEST_SIDE = 1280;

/** So that stepping backwards decodes at most this many frames. */
const KEY_FRAME_EVERY = 12;

const QUALITY_CRF = 20;

const MOST_CACHED_BYTES = 8 * 2 ** 30;

const REPORT_MILLISECONDS = 200;

type ProxyDependencies = {
	/** Folder of the copies. */
	folder: string;
	timesOf: (video: KnownVideo) => Promise<Float64Array>;
	urlOf: (videoId: string) => string;
	emit: (event: HostEvent) => void;
};

/**
 * Copies of videos that browsers cannot play: H.264 in mp4, frame for frame in decoding order, each at its own time
 * (the first one at zero). Cached on disk by the content of the file.
 */
export class PlaybackProxies {
	readonly #deps: ProxyDependencies;
	readonly #making = new Map<string, AbortController>();
	/** One after another: each takes every core. */
	#turn: Promise<void> = Promise.resolve();

	constructor(dependencies: ProxyDependencies) {
		this.#deps = dependencies;
	}

	/** The finished copy of a video; null if there is none. */
	async find(video: KnownVideo): Promise<string | null> {
		const path = this.#pathOf(video);
		if (!(await stat(path).catch(() => null))) return null;
		await touch(path);
		return path;
	}

	/** The copy's address if it exists; otherwise starts making it and reports progress by `proxy` events. */
	async prepare(video: KnownVideo): Promise<{ proxyUrl: string | null }> {
		if (await this.find(video)) return { proxyUrl: this.#deps.urlOf(video.videoId) };
		if (!this.#making.has(video.videoId)) {
			const stop = new AbortController();
			this.#making.set(video.videoId, stop);
			this.#turn = this.#turn.then(() => this.#make(video, stop.signal));
		}
		return { proxyUrl: null };
	}

	cancel(videoId: string): void {
		this.#making.get(videoId)?.abort();
	}

	async close(): Promise<void> {
		for (const stop of this.#making.values()) stop.abort();
		await this.#turn;
	}

	async #make(video: KnownVideo, signal: AbortSignal): Promise<void> {
		const { videoId } = video;
		const { emit, urlOf } = this.#deps;
		let last = { done: 0, total: video.info.estimatedFrames ?? 0 };
		let reported = 0;
		try {
			await this.#write(video, signal, (done, total) => {
				last = { done, total };
				if (performance.now() - reported < REPORT_MILLISECONDS) return;
				reported = performance.now();
				emit({ type: 'proxy', videoId, ...last, proxyUrl: null, error: null });
			});
			emit({ type: 'proxy', videoId, ...last, proxyUrl: urlOf(videoId), error: null });
		} catch (error) {
			emit({ type: 'proxy', videoId, ...last, proxyUrl: null, error: errorToData(error) });
		} finally {
			this.#making.delete(videoId);
		}
	}

	async #write(
		video: KnownVideo,
		signal: AbortSignal,
		onProgress: (done: number, total: number) => void,
	): Promise<void> {
		const timesSeconds = await untilAborted(this.#deps.timesOf(video), signal);
		const total = timesSeconds.length;
		const path = this.#pathOf(video);
		makeFolder(this.#deps.folder);
		const size = proxySize(video.info);
		const writer = await openVideoWriter({
			path,
			size,
			timesSeconds,
			endSeconds: null,
			audioFrom: soundOf(video.info, timesSeconds),
			crf: QUALITY_CRF,
			keyFrameEvery: KEY_FRAME_EVERY,
			signal,
		});
		try {
			let done = 0;
			for await (const frame of readFrames(video.info, {
				range: WHOLE_VIDEO,
				letterbox: scaledTo(size, video.info.displaySize),
				format: 'rgba',
				signal,
			})) {
				await writer.write(frame.pixels);
				onProgress(++done, total);
			}
			if (done !== total) {
				throw new UserFacingError(
					'decode-failed',
					`${video.info.path}: ${total} frames were expected (${done} were decoded the second time).`,
				);
			}
			await writer.finish();
		} catch (error) {
			await writer.abort();
			throw error;
		}
		await trimFolder(this.#deps.folder, MOST_CACHED_BYTES, new Set([path]));
	}

	#pathOf(video: KnownVideo): string {
		return join(this.#deps.folder, `${identityKey(video.identity)}.mp4`);
	}
}

/** The displayed size, reduced if it is large; sides are even, as 4:2:0 requires. */
export function proxySize({ displaySize }: Pick<VideoInfo, 'displaySize'>): Size {
	const scale = Math.min(1, LONGEST_SIDE / Math.max(displaySize.width, displaySize.height));
	const even = (side: number) => Math.max(2, 2 * Math.round((side * scale) / 2));
	return { width: even(displaySize.width), height: even(displaySize.height) };
}

function soundOf(info: VideoInfo, times: Float64Array) {
	if (!info.hasAudio) return null;
	const last = times.length - 1;
	const frame = last > 0 ? times[last]! - times[last - 1]! : 0;
	return { path: info.path, fromSeconds: times[0]!, toSeconds: times[last]! + frame };
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
	return new Promise((resolve, reject) => {
		const stop = () => reject(new UserFacingError('cancelled', 'Making the playable copy was cancelled.'));
		if (signal.aborted) stop();
		else signal.addEventListener('abort', stop, { once: true });
		work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
	});
}

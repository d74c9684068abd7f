import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FrameTimesAnswer, HostEvent } from '../../preload/contract.ts';
import { findFfmpeg } from '../video/ffmpeg-binary.ts';
import { readFrameTimes } from '../video/frame-times.ts';
import { touch, trimFolder } from './cache-folder.ts';
import { writeFileWhole } from './json-file.ts';
import { identityKey, type KnownVideo } from './videos.ts';

const MOST_CACHED_BYTES = 256 * 2 ** 20;

/** Between two reports of how far reading has come. */
const REPORT_MILLISECONDS = 250;

/** Times of one video: those found so far, and the promise of all of them. */
type Reading = { found: number[]; all: Promise<Float64Array>; complete: boolean };

type Surroundings = {
	/** Folder for times that were read once. */
	folder: string;
	/** All times of a video from elsewhere, such as a run over all its frames; null where nobody knows them. */
	knownElsewhere: (video: KnownVideo) => Promise<Float64Array | null>;
	emit: (event: HostEvent) => void;
};

/**
 * The exact times of all frames. Only decoding tells them, so that goes on in the background, once for each
 * content of a file; what was found is kept on the disk.
 */
export class FrameTimesReader {
	readonly #around: Surroundings;
	readonly #readings = new Map<string, Reading>();
	readonly #stop = new AbortController();

	constructor(surroundings: Surroundings) {
		this.#around = surroundings;
	}

	/** What is known by now; reading begins where it has not. */
	async answer(video: KnownVideo): Promise<FrameTimesAnswer> {
		const reading = this.#reading(video);
		// What lies in the cache is there within a moment: worth the wait.
		await Promise.race([reading.all, moment(50)]);
		if (reading.complete) return { ptsSeconds: await reading.all, complete: true };
		return { ptsSeconds: Float64Array.from(reading.found), complete: false };
	}

	/** All of them. Throws what decoding throws. */
	all(video: KnownVideo): Promise<Float64Array> {
		return this.#reading(video).all;
	}

	close(): void {
		this.#stop.abort();
	}

	#reading(video: KnownVideo): Reading {
		const key = identityKey(video.identity);
		let reading = this.#readings.get(key);
		if (!reading) {
			reading = this.#begin(video, key);
			this.#readings.set(key, reading);
			reading.all.catch(() => this.#readings.delete(key)); // the next one to ask tries again
		}
		return reading;
	}

	#begin(video: KnownVideo, key: string): Reading {
		const found: number[] = [];
		const reading: Reading = { found, complete: false, all: Promise.resolve(new Float64Array()) };
		reading.all = this.#read(video, key, found).then((times) => {
			reading.complete = true;
			this.#around.emit({
				type: 'frameTimes',
				videoId: video.videoId,
				known: times.length,
				complete: true,
			});
			return times;
		});
		return reading;
	}

	async #read(video: KnownVideo, key: string, found: number[]): Promise<Float64Array> {
		const { folder, knownElsewhere, emit } = this.#around;
		// Another decoder may see other frames in a damaged file.
		const { version } = await findFfmpeg();
		const path = join(folder, `${key}-${version.replace(/[^\w.-]/g, '_')}.f64`);
		const cached = await readCached(path);
		if (cached) return cached;
		const known = await knownElsewhere(video);
		if (known) return known;

		let reported = performance.now();
		const { ptsSeconds } = await readFrameTimes(video.info, this.#stop.signal, (timeSeconds) => {
			found.push(timeSeconds);
			if (performance.now() - reported < REPORT_MILLISECONDS) return;
			reported = performance.now();
			emit({ type: 'frameTimes', videoId: video.videoId, known: found.length, complete: false });
		});
		const bytes = new Uint8Array(ptsSeconds.buffer, ptsSeconds.byteOffset, ptsSeconds.byteLength);
		// A cache that cannot be written costs time at the next opening, nothing else.
		await writeFileWhole(path, bytes)
			.then(() => trimFolder(folder, MOST_CACHED_BYTES, path))
			.catch(() => undefined);
		return ptsSeconds;
	}
}

async function readCached(path: string): Promise<Float64Array | null> {
	const bytes = await readFile(path).catch(() => null);
	if (bytes === null || bytes.length === 0 || bytes.length % 8 !== 0) return null;
	await touch(path);
	return new Float64Array(new Uint8Array(bytes).buffer);
}

function moment(milliseconds: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FrameTimesAnswer, HostEvent } from '../../preload/contract.ts';
import { findFfmpeg } from '../video/ffmpeg-binary.ts';
import { readFrameTimes } from '../video/frame-times.ts';
import { touch, trimFolder } from '../process/cache-folder.ts';
import { writeFileWhole } from '../process/json-file.ts';
import { identityKey } from '../video/identity.ts';
import type { KnownVideo } from './videos.ts';

const MOST_CACHED_BYTES = 256 * 2 ** 20;

/** Between two progress reports. */
const REPORT_MILLISECONDS = 250;

/** Times of one video: those found so far, and the promise of all of them. */
type Reading = {
	found: number[];
	all: Promise<Float64Array>;
	complete: boolean;
	/** Whether somebody waits for all of them, so that reading is not held back. */
	urgent: boolean;
};

type FrameTimesDependencies = {
	/** Folder of the cached times. */
	folder: string;
	/** All times of a video from another source, such as a run over all its frames; null if there is none. */
	knownElsewhere: (video: KnownVideo) => Promise<Float64Array | null>;
	emit: (event: HostEvent) => void;
};

/**
 * The exact times of all frames. Finding them requires decoding, which is done in the background, once per content of a
 * file; the result is cached on disk.
 */
export class FrameTimesReader {
	readonly #deps: FrameTimesDependencies;
	readonly #readings = new Map<string, Reading>();
	readonly #stop = new AbortController();
	#held = false;
	/** Aborted when reading is to be held back. */
	#interrupt = new AbortController();
	readonly #wakers = new Set<() => void>();

	constructor(dependencies: FrameTimesDependencies) {
		this.#deps = dependencies;
	}

	/** The times known so far; starts reading if that has not begun. */
	async answer(video: KnownVideo): Promise<FrameTimesAnswer> {
		const reading = this.#reading(video);
		// Cached times are there within a moment: worth waiting for.
		await Promise.race([reading.all, moment(50)]);
		if (reading.complete) return { ptsSeconds: await reading.all, complete: true };
		return { ptsSeconds: Float64Array.from(reading.found), complete: false };
	}

	/** All times, read with priority. Throws what decoding throws. */
	all(video: KnownVideo): Promise<Float64Array> {
		const reading = this.#reading(video);
		reading.urgent = true;
		this.#wake();
		return reading.all;
	}

	/** Holds back reading while an analysis measures times; reading starts over afterwards. */
	setHeld(held: boolean): void {
		if (held === this.#held) return;
		this.#held = held;
		if (held) {
			this.#interrupt.abort();
			return;
		}
		this.#interrupt = new AbortController();
		this.#wake();
	}

	close(): void {
		this.#stop.abort();
		this.#wake();
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
		const all = Promise.resolve(new Float64Array());
		const reading: Reading = { found: [], complete: false, urgent: false, all };
		reading.all = this.#read(video, key, reading).then((times) => {
			reading.complete = true;
			const { videoId } = video;
			this.#deps.emit({ type: 'frameTimes', videoId, known: times.length, complete: true });
			return times;
		});
		return reading;
	}

	async #read(video: KnownVideo, key: string, reading: Reading): Promise<Float64Array> {
		const { folder, knownElsewhere } = this.#deps;
		// Another version of the decoder may see other frames in a damaged file.
		const { version } = await findFfmpeg();
		const path = join(folder, `${key}-${version.replace(/[^\w.-]/g, '_')}.f64`);
		const cached = await readCached(path);
		if (cached) return cached;
		for (;;) {
			const known = await knownElsewhere(video);
			if (known) return known;
			await this.#turn(reading);
			const times = await this.#decode(video, reading);
			if (times === null) continue;
			const bytes = new Uint8Array(times.buffer, times.byteOffset, times.byteLength);
			// A cache that cannot be written costs time at the next opening, nothing else.
			await writeFileWhole(path, bytes)
				.then(() => trimFolder(folder, MOST_CACHED_BYTES, new Set([path])))
				.catch(() => undefined);
			return times;
		}
	}

	/** Null if it was interrupted by something more important. */
	async #decode(video: KnownVideo, reading: Reading): Promise<Float64Array | null> {
		const { signal: interrupt } = this.#interrupt;
		const stop = this.#stop.signal;
		const { found, urgent } = reading;
		const signal = urgent ? stop : AbortSignal.any([stop, interrupt]);
		let index = 0;
		let reported = performance.now();
		try {
			const { ptsSeconds } = await readFrameTimes(video.info, signal, (timeSeconds) => {
				if (index++ === found.length) found.push(timeSeconds); // a second reading finds the same ones again
				if (performance.now() - reported < REPORT_MILLISECONDS) return;
				reported = performance.now();
				const { videoId } = video;
				this.#deps.emit({ type: 'frameTimes', videoId, known: found.length, complete: false });
			});
			return ptsSeconds;
		} catch (error) {
			if (!urgent && interrupt.aborted && !stop.aborted) return null;
			throw error;
		}
	}

	/** Resolves when this reading is allowed to decode. */
	async #turn(reading: Reading): Promise<void> {
		while (this.#held && !reading.urgent && !this.#stop.signal.aborted) {
			await new Promise<void>((resolve) => this.#wakers.add(resolve));
		}
	}

	#wake(): void {
		const wakers = [...this.#wakers];
		this.#wakers.clear();
		for (const wake of wakers) wake();
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

import type { VideoSample } from 'mediabunny';
import type { HostApi, OpenedVideo } from '../../preload/contract.ts';
import { Changes } from '../changes.svelte.ts';
import { cutFrames, type Cut, type CutPicture } from './cut-frames.ts';
import { FileClock } from './file-clock.svelte.ts';
import { FrameReader } from './frame-reader.ts';
import { FrameTable, isSameTime } from './frame-table.ts';
import { MediaFile } from './media-file.ts';
import { PictureCache, pictureCapacity, type Picture } from './picture-cache.ts';
import { PictureMaker } from './picture-maker.ts';
import { readTable } from './read-table.ts';
import type { SoundSource } from './sound.ts';

/** Why a video is played from a copy, or not at all; keys of the page's texts. */
type PlaybackNote = `player.note.${'container' | 'codec' | 'undecodable' | 'otherFrames' | 'copyFailed'}`;

/** How a video is played. `progress` (0 to 1) of the copy that is being made; null while unknown. */
export type Playback = {
	kind: 'webcodecs' | 'proxy' | 'preparing' | 'failed';
	note: PlaybackNote | null;
	progress: number | null;
};

/** What a source of frames reports to the player. */
export type FrameSourceListener = {
	/** A requested frame, decoded. It belongs to the source and is valid until the next one or `onRelease`. */
	onPicture(picture: Picture): void;
	/** More frames can be shown; all of them if `isAll`. */
	onGrown(isAll: boolean): void;
	/** Frame indices have changed: the last picture may belong to another index now. */
	onMoved(): void;
	/** The file is about to be closed; its pictures must no longer be used. */
	onRelease(): void;
};

/** Videos up to this length are checked against the host at once; decoding longer ones would cost minutes. */
const CHECKED_FRAMES = 5000;

/**
 * The frames of one video: from its own file if this browser decodes it like the engine, else from a copy made by the
 * host. Frame i here is decoded frame i of the engine.
 */
export class FrameSource {
	#frameCount = $state(0);
	#complete = $state(false);
	#playback = $state.raw<Playback>({ kind: 'preparing', note: null, progress: null });
	#sound = $state.raw<SoundSource | null>(null);
	#edition = $state(0);

	readonly #video: OpenedVideo;
	readonly #host: HostApi;
	readonly #listener: FrameSourceListener;
	readonly #clock: FileClock;
	readonly #stopListening: () => void;
	#table = new FrameTable();
	/** Changes of the table. */
	readonly #times = new Changes();
	#file: MediaFile | null = null;
	#maker: PictureMaker | null = null;
	#reader: FrameReader | null = null;
	/** Aborted when the next edition begins. */
	#editionEnds = new AbortController();
	#cache = new PictureCache(1);
	/** While a frame is decoded that the table does not reach yet. */
	#glimpse: Promise<void> | null = null;
	/** The frame that was shown before the table reached it, with its time in the demuxer's clock. */
	#glimpsed: { frame: number; seconds: number } | null = null;
	#openingProxy = false;
	#hostIsDone = false;
	#closed = false;

	constructor(video: OpenedVideo, host: HostApi, listener: FrameSourceListener) {
		this.#video = video;
		this.#host = host;
		this.#listener = listener;
		this.#clock = new FileClock(video.info.startSeconds);
		this.#stopListening = host.listen((event) => {
			if (!('videoId' in event) || event.videoId !== video.videoId) return;
			if (event.type === 'frameTimes' && event.complete) {
				this.#hostIsDone = true;
				void this.#compareWithHost();
			}
			if (event.type !== 'proxy' || this.#playback.kind !== 'preparing') return;
			if (event.error) this.#fail('player.note.copyFailed');
			else if (event.proxyUrl !== null) void this.#openProxy(event.proxyUrl);
			else this.#report({ progress: event.total > 0 ? Math.min(1, event.done / event.total) : null });
		});
	}

	/** Number of frames that can be shown; grows until `complete`. Reactive, like the four members below. */
	get frameCount(): number {
		return this.#frameCount;
	}

	get complete(): boolean {
		return this.#complete;
	}

	get playback(): Playback {
		return this.#playback;
	}

	/** The sound of the open file; null if there is none. */
	get sound(): SoundSource | null {
		return this.#sound;
	}

	/** Another number as soon as frames may have other pictures: those of a copy, or under other indices. */
	get edition(): number {
		return this.#edition;
	}

	/** The known frames of the open file; empty if none is open. */
	get table(): FrameTable {
		return this.#table;
	}

	/** Resolves when the first frame is being decoded, or a playable copy was requested. */
	async open(): Promise<void> {
		const { info, mediaUrl } = this.#video;
		try {
			const file = await MediaFile.open(mediaUrl);
			if (this.#closed) return void (file instanceof MediaFile && file.close());
			if (file === 'container') return await this.#askForCopy('player.note.container');
			if (file === 'codec') return await this.#askForCopy('player.note.codec');
			this.#playback = { kind: 'webcodecs', note: null, progress: null };
			await this.#start(file, new PictureMaker(info.displaySize, info.rotationDegrees));
		} catch {
			await this.#askForCopy('player.note.undecodable');
		}
	}

	/** Requests a frame's picture; `direction`: where the next requests will go. The latest request wins. */
	want(frame: number, direction: -1 | 0 | 1): void {
		this.#reader?.want(frame, direction);
	}

	/**
	 * Shows a frame that the table does not reach yet, if one of exactly its time, in the clock of the file, can be decoded and
	 * `isWanted` still holds then. The table waits meanwhile.
	 */
	glimpse(frame: number, timeSeconds: number, isWanted: () => boolean): void {
		const [file, maker, table] = [this.#file, this.#maker, this.#table];
		if (!file || !maker || table.known === 0) return;
		const seconds = this.#clock.inDemuxer(timeSeconds);
		this.#glimpse = firstSample(file.samplesAt([seconds])).then((sample) => {
			if (this.#table !== table) return sample?.close();
			this.#glimpse = null;
			if (!sample) return;
			if (!isWanted() || !isSameTime(sample.timestamp, seconds)) return sample.close();
			const picture = maker.make(sample, frame);
			this.#cache.look(frame, 0);
			this.#cache.put(picture);
			this.#glimpsed = { frame, seconds };
			this.#show(picture);
		});
	}

	/** Drops what was shown by a time that turns out to be another frame's. */
	#checkGlimpse(): void {
		const { table } = this;
		if (!this.#glimpsed || this.#glimpsed.frame >= table.known) return;
		const { frame, seconds } = this.#glimpsed;
		this.#glimpsed = null;
		if (isSameTime(table.seconds(frame), seconds)) return;
		this.#cache.clear();
		this.#listener.onMoved();
	}

	/**
	 * Cuts pieces out of frames beside what is shown, by a decoder of its own; see `cutFrames`. Ends early when the signal is aborted, with
	 * the edition, and where decoding fails: that is for playing to find out.
	 */
	async *cut<C extends Cut>(
		cuts: readonly C[],
		signal: AbortSignal,
	): AsyncGenerator<CutPicture<C>, void, void> {
		const [file, maker, table] = [this.#file, this.#maker, this.#table];
		if (!file || !maker) return;
		const parts = {
			table,
			samplesAt: (seconds: readonly number[]) => file.samplesAt(seconds),
			make: maker.cut.bind(maker),
		};
		try {
			yield* cutFrames(cuts, parts, AbortSignal.any([signal, this.#editionEnds.signal]));
		} catch {
			return;
		}
	}

	/** The time of a frame, in the clock of the file. */
	timeOf(frame: number): number {
		this.#times.track();
		return this.#clock.timeOf(frame, this.#table);
	}

	/**
	 * Takes the engine's time of a frame. If it belongs to another frame here, the video is played from a copy instead,
	 * whose frames are the engine's by construction.
	 */
	confirm(frame: number, seconds: number): void {
		if (this.#playback.kind !== 'webcodecs' || frame >= this.#table.known) return;
		if (Number.isFinite(seconds) && !this.#clock.agrees(frame, seconds, this.#table)) {
			void this.#askForCopy('player.note.otherFrames');
		}
	}

	close(): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#stopListening();
		this.#release();
	}

	async #openProxy(url: string): Promise<void> {
		if (this.#playback.kind !== 'preparing' || this.#openingProxy) return;
		this.#openingProxy = true;
		const { note } = this.#playback;
		try {
			const file = await MediaFile.open(url);
			if (!(file instanceof MediaFile)) return this.#fail('player.note.copyFailed');
			if (this.#closed) return file.close();
			this.#playback = { kind: 'proxy', note, progress: null };
			// The copy is already upright, and has square pixels or states its aspect ratio.
			await this.#start(file, new PictureMaker(this.#video.info.displaySize, null));
		} catch {
			this.#fail('player.note.copyFailed');
		}
	}

	/** Resolves when the first frames are known; the rest of the table is read meanwhile. */
	async #start(file: MediaFile, maker: PictureMaker): Promise<void> {
		this.#beginEdition();
		this.#file = file;
		this.#maker = maker;
		const table = new FrameTable(file.startSeconds);
		const cache = new PictureCache(pictureCapacity(maker.size));
		this.#table = table;
		this.#times.announce();
		this.#cache = cache;
		this.#reader = new FrameReader({
			table,
			cache,
			samples: (seconds) => file.samples(seconds),
			makePicture: (sample, index) => maker.make(sample, index),
			onPicture: (picture) => this.#show(picture),
			onTrouble: () => this.#trouble(),
		});
		await new Promise<void>((resolve) => void this.#readTable(file, table, resolve));
		const sound = await file.sound().catch(() => null);
		if (this.#file === file) this.#sound = sound;
	}

	async #readTable(file: MediaFile, table: FrameTable, onFirst: () => void): Promise<void> {
		try {
			this.#frameCount = 0;
			for await (const known of readTable(file.packets(), table, () => this.#glimpse)) {
				if (this.#table !== table) return;
				if (this.#frameCount === 0 && known > 0) this.#clock.guess(table);
				this.#frameCount = known;
				this.#times.announce();
				this.#checkGlimpse();
				this.#listener.onGrown(table.complete);
				onFirst();
			}
			this.#complete = true;
			if (table.known === 0) this.#trouble();
			else this.#check(file, table);
		} catch {
			if (this.#table === table) this.#trouble();
		} finally {
			onFirst();
		}
	}

	/** Short or doubtful videos are compared with what the host decodes, long ones with the frames of runs. */
	#check(file: MediaFile, table: FrameTable): void {
		if (this.#playback.kind !== 'webcodecs') return;
		const isShort = table.known <= CHECKED_FRAMES;
		if (isShort || this.#hostIsDone || file.isDoubtful || table.isDoubtful) void this.#compareWithHost();
	}

	async #compareWithHost(): Promise<void> {
		const { videoId } = this.#video;
		const answer = await this.#host.request('video.frameTimes', { videoId }).catch(() => null);
		if (this.#closed || !answer?.complete || this.#clock.hostFrames !== null) return;
		if (this.#playback.kind !== 'webcodecs') {
			this.#clock.settle(answer.ptsSeconds, 0);
			if (!this.#file) this.#frameCount = answer.ptsSeconds.length;
			return;
		}
		// If the table is not complete yet, this is repeated when it is.
		if (!this.#table.complete) return;
		const agreement = this.#table.agreeWith(answer.ptsSeconds);
		if (agreement === null) return void this.#askForCopy('player.note.otherFrames');
		this.#clock.settle(answer.ptsSeconds, agreement.offsetSeconds);
		if (agreement.dropped === 0) return;
		// Decoded pictures may belong to other indices now.
		this.#beginEdition();
		this.#cache.clear();
		this.#frameCount = this.#table.known;
		this.#listener.onMoved();
	}

	async #askForCopy(note: PlaybackNote): Promise<void> {
		if (this.#closed || this.#playback.kind === 'proxy' || this.#playback.kind === 'failed') return;
		const { videoId, proxyUrl, info } = this.#video;
		this.#release();
		this.#playback = { kind: 'preparing', note, progress: null };
		this.#frameCount = this.#clock.hostFrames ?? info.estimatedFrames ?? 0;
		this.#complete = false;
		try {
			const answer = proxyUrl === null ? await this.#host.request('video.prepareProxy', { videoId }) : null;
			const url = proxyUrl ?? answer?.proxyUrl ?? null;
			if (url !== null) await this.#openProxy(url);
		} catch {
			this.#fail('player.note.copyFailed');
		}
	}

	#trouble(): void {
		if (this.#closed) return;
		if (this.#playback.kind === 'webcodecs') void this.#askForCopy('player.note.undecodable');
		else this.#fail('player.note.copyFailed');
	}

	#fail(note: PlaybackNote): void {
		if (this.#closed) return;
		this.#release();
		this.#playback = { kind: 'failed', note, progress: null };
	}

	#report(change: Partial<Playback>): void {
		this.#playback = { ...this.#playback, ...change };
	}

	#show(picture: Picture): void {
		if (this.#closed) return;
		this.#cache.pin(picture.index);
		this.#listener.onPicture(picture);
	}

	#beginEdition(): void {
		this.#editionEnds.abort();
		this.#editionEnds = new AbortController();
		this.#edition++;
	}

	#release(): void {
		this.#listener.onRelease();
		this.#beginEdition();
		this.#reader?.close();
		this.#file?.close();
		this.#sound = null;
		this.#cache.clear();
		this.#reader = null;
		this.#maker = null;
		this.#file = null;
		this.#glimpse = null;
		this.#glimpsed = null;
		this.#table = new FrameTable();
		this.#times.announce();
	}
}

/** Null where there is none, or it cannot be decoded. */
async function firstSample(
	samples: AsyncGenerator<VideoSample | null, void, unknown>,
): Promise<VideoSample | null> {
	try {
		return (await samples.next()).value ?? null;
	} catch {
		return null;
	} finally {
		void samples.return().catch(() => undefined); // its result is not needed
	}
}

import type { HostApi, OpenedVideo } from '../../preload/contract.ts';
import { FileClock } from '../player/file-clock.svelte.ts';
import { FrameReader } from '../player/frame-reader.ts';
import { FrameTable } from '../player/frame-table.ts';
import { MediaFile } from '../player/media-file.ts';
import { PictureCache, pictureCapacity, type Picture } from '../player/picture-cache.ts';
import { PictureMaker } from '../player/picture-maker.ts';
import { advanceClock } from '../player/play-clock.ts';
import { readTable } from '../player/read-table.ts';
import { Sound, type SoundSource } from '../player/sound.ts';

/** Why a video is played from a copy, or not at all: keys of the page's texts. */
export type PlaybackNote =
	`player.note.${'container' | 'codec' | 'undecodable' | 'otherFrames' | 'copyFailed'}`;

/** How a video is played. `progress` (0 to 1) is that of the copy being made; null while unknown. */
export type Playback = {
	kind: 'webcodecs' | 'proxy' | 'preparing' | 'failed';
	note: PlaybackNote | null;
	progress: number | null;
};

export const SLOWEST_RATE = 0.25;
export const FASTEST_RATE = 8;

/** Videos up to this length are checked against the host at once; decoding longer ones would cost minutes. */
const CHECKED_FRAMES = 5000;

/**
 * Plays one video, frame by frame: frame i here is decoded frame i of the engine. One clock and one decoded picture
 * serve any number of panes. Methods may be called at any time; frames that do not exist are brought into bounds.
 */
export class Player {
	#frameCount = $state(0);
	#complete = $state(false);
	#frameIndex = $state(0);
	#picture = $state.raw<Picture | null>(null);
	#playing = $state(false);
	#rate = $state(1);
	#inFrame = $state<number | null>(null);
	#outFrame = $state<number | null>(null);
	#playback = $state.raw<Playback>({ kind: 'preparing', note: null, progress: null });

	#soundSource = $state.raw<SoundSource | null>(null);

	readonly video: OpenedVideo;
	readonly #host: HostApi;
	readonly #clock: FileClock;
	readonly #stopListening: () => void;
	#table = new FrameTable();
	#file: MediaFile | null = null;
	#reader: FrameReader | null = null;
	#cache = new PictureCache(1);
	#sound: Sound | null = null;
	#volume = 1;
	#clockSeconds = 0;
	#lastTick = 0;
	#ticking = 0;
	#jumping = false;
	#openingProxy = false;
	#hostIsDone = false;
	#closed = false;

	private constructor(video: OpenedVideo, host: HostApi) {
		this.video = video;
		this.#host = host;
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

	/** Resolves when the first frame is on its way, or a playable copy has been asked for. */
	static async open(video: OpenedVideo, host: HostApi): Promise<Player> {
		const player = new Player(video, host);
		await player.#openOriginal();
		return player;
	}

	/** Frames that can be gone to; grows until `complete`. Reactive, as all that follows. */
	get frameCount(): number {
		return this.#frameCount;
	}

	get complete(): boolean {
		return this.#complete;
	}

	/** The frame that was asked for; `picture` is what is on the screen, and may be a moment behind. */
	get frameIndex(): number {
		return this.#frameIndex;
	}

	/** In the clock of the file. */
	get timeSeconds(): number {
		return this.timeOf(this.#frameIndex);
	}

	/** The frame that is on the screen. Belongs to the player: holds until another one is there. */
	get picture(): Picture | null {
		return this.#picture;
	}

	get playing(): boolean {
		return this.#playing;
	}

	/** 0.25 to 8; negative plays backwards. */
	get rate(): number {
		return this.#rate;
	}

	/** First frame of the range that is played in a loop; null = the video's first. */
	get inFrame(): number | null {
		return this.#inFrame;
	}

	/** Last frame of the range, included; null = the video's last. */
	get outFrame(): number | null {
		return this.#outFrame;
	}

	get playback(): Playback {
		return this.#playback;
	}

	/** Whether there is sound to be heard. */
	get hasSound(): boolean {
		return this.#soundSource !== null;
	}

	/** 0 (silent) to 1. */
	setVolume(volume: number): void {
		this.#volume = volume;
		this.#sound?.setVolume(volume);
	}

	/** Goes to a frame. Of several calls in a row, those that came to nothing yet are dropped. */
	seek(frame: number): void {
		this.#goTo(frame, 0);
	}

	/** Goes to the frame that is shown at a time, in the clock of the file. */
	seekTime(seconds: number): void {
		this.seek(this.frameAt(seconds));
	}

	/** Pauses and goes `n` frames on; negative goes back. */
	step(n: number): void {
		this.pause();
		this.#goTo(this.#frameIndex + n, n < 0 ? -1 : 1);
	}

	/** Goes to the frame that is shown `seconds` later; always to another one where there is one. */
	stepSeconds(seconds: number): void {
		const target = this.frameAt(this.timeSeconds + seconds);
		const least = this.#frameIndex + Math.sign(seconds);
		this.#goTo(seconds < 0 ? Math.min(target, least) : Math.max(target, least), 0);
	}

	play(): void {
		if (this.#playing || this.#closed || this.#frameCount === 0) return;
		const { first, last } = this.#bounds();
		const atEnd = this.#rate > 0 ? this.#frameIndex >= last : this.#frameIndex <= first;
		if (atEnd || this.#frameIndex < first || this.#frameIndex > last) {
			this.#goTo(this.#rate > 0 ? first : last, 0);
		}
		// Browsers let sound begin when a person has asked for something, as here.
		if (this.#soundSource && !this.#sound) {
			this.#sound = new Sound(this.#soundSource, new AudioContext());
			this.#sound.setVolume(this.#volume);
		}
		this.#playing = true;
		this.#clockSeconds = this.#table.known > 0 ? this.#table.seconds(this.#frameIndex) : 0;
		this.#lastTick = performance.now();
		this.#ticking = requestAnimationFrame((now) => this.#tick(now));
	}

	pause(): void {
		if (!this.#playing) return;
		this.#playing = false;
		this.#sound?.stop();
		cancelAnimationFrame(this.#ticking);
		// What is on the screen is where one stopped.
		if (this.#picture && !this.#jumping) this.#frameIndex = this.#picture.index;
	}

	toggle(): void {
		if (this.#playing) this.pause();
		else this.play();
	}

	/** Speed from 0.25 to 8, negative for backwards; others are brought into bounds. */
	setRate(rate: number): void {
		const size = Math.min(FASTEST_RATE, Math.max(SLOWEST_RATE, Math.abs(rate)));
		this.#rate = rate < 0 ? -size : size;
	}

	/** As J (-1), K (0) and L (1) do: play backwards, pause, play; again the same way doubles the speed. */
	shuttle(direction: -1 | 0 | 1): void {
		if (direction === 0) {
			this.pause();
			this.setRate(1);
			return;
		}
		const goesOn = this.#playing && Math.sign(this.#rate) === direction;
		this.setRate(goesOn ? 2 * this.#rate : direction);
		this.play();
	}

	/** Starts the range at the current frame, or at the one given. */
	setIn(frame = this.#frameIndex): void {
		this.#inFrame = this.#bounded(frame);
		if (this.#outFrame !== null && this.#outFrame < this.#inFrame) this.#outFrame = null;
	}

	/** Ends the range with the current frame, or with the one given. */
	setOut(frame = this.#frameIndex): void {
		this.#outFrame = this.#bounded(frame);
		if (this.#inFrame !== null && this.#inFrame > this.#outFrame) this.#inFrame = null;
	}

	clearRange(): void {
		this.#inFrame = null;
		this.#outFrame = null;
	}

	/** When a frame is shown, in the clock of the file. */
	timeOf(frame: number): number {
		// Read for its sake alone: with it, what is known of times grows.
		return this.#frameCount < 0 ? 0 : this.#clock.timeOf(frame, this.#table);
	}

	/** The frame that is shown at a time, in the clock of the file. */
	frameAt(seconds: number): number {
		let low = 0;
		let high = this.#frameCount;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (this.timeOf(middle) <= seconds + 1e-4) low = middle + 1;
			else high = middle;
		}
		return Math.max(0, low - 1);
	}

	/**
	 * Tells what the engine knows of a frame's time. Where that is another frame than the one here, the video is played
	 * from a copy instead, whose frames are the engine's by construction.
	 */
	confirm(frame: number, seconds: number): void {
		if (this.#playback.kind !== 'webcodecs' || frame >= this.#table.known) return;
		if (Number.isFinite(seconds) && !this.#clock.agrees(frame, seconds, this.#table)) {
			void this.#askForCopy('player.note.otherFrames');
		}
	}

	close(): void {
		if (this.#closed) return;
		this.pause();
		this.#closed = true;
		this.#stopListening();
		this.#release();
	}

	async #openOriginal(): Promise<void> {
		const { info, mediaUrl } = this.video;
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

	async #openProxy(url: string): Promise<void> {
		if (this.#playback.kind !== 'preparing' || this.#openingProxy) return;
		this.#openingProxy = true;
		const { note } = this.#playback;
		try {
			const file = await MediaFile.open(url);
			if (!(file instanceof MediaFile)) return this.#fail('player.note.copyFailed');
			if (this.#closed) return file.close();
			this.#playback = { kind: 'proxy', note, progress: null };
			// The copy is turned upright already, and has square pixels or says that it has not.
			await this.#start(file, new PictureMaker(this.video.info.displaySize, null));
		} catch {
			this.#fail('player.note.copyFailed');
		}
	}

	/** Resolves when the first frames are known; the rest of the table is read meanwhile. */
	async #start(file: MediaFile, maker: PictureMaker): Promise<void> {
		this.#file = file;
		const table = new FrameTable(file.startSeconds);
		const cache = new PictureCache(pictureCapacity(maker.size));
		this.#table = table;
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
		if (this.#file === file) this.#soundSource = sound;
	}

	async #readTable(file: MediaFile, table: FrameTable, onFirst: () => void): Promise<void> {
		try {
			this.#frameCount = 0;
			for await (const known of readTable(file.packets(), table)) {
				if (this.#table !== table) return;
				if (this.#frameCount === 0 && known > 0) this.#clock.guess(table);
				this.#frameCount = known;
				// What was asked for may be known only now; what is not known yet is not forgotten.
				const isDue = this.#frameIndex < known || table.complete;
				const isShown = this.#picture?.index === this.#frameIndex;
				if (isDue && !isShown && !this.#playing) this.#goTo(this.#frameIndex, 0);
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

	/** Short or doubtful videos are held against what the host decodes, long ones against the frames of runs. */
	#check(file: MediaFile, table: FrameTable): void {
		if (this.#playback.kind !== 'webcodecs') return;
		const isShort = table.known <= CHECKED_FRAMES;
		if (isShort || this.#hostIsDone || file.isDoubtful || table.isDoubtful) void this.#compareWithHost();
	}

	async #compareWithHost(): Promise<void> {
		const { videoId } = this.video;
		const answer = await this.#host.request('video.frameTimes', { videoId }).catch(() => null);
		if (this.#closed || !answer?.complete || this.#clock.hostFrames !== null) return;
		if (this.#playback.kind !== 'webcodecs') {
			this.#clock.settle(answer.ptsSeconds, 0);
			if (!this.#file) this.#frameCount = answer.ptsSeconds.length;
			return;
		}
		// Asked before the table was read, this is asked again when it is.
		if (!this.#table.complete) return;
		const agreement = this.#table.agreeWith(answer.ptsSeconds);
		if (agreement === null) return void this.#askForCopy('player.note.otherFrames');
		this.#clock.settle(answer.ptsSeconds, agreement.offsetSeconds);
		if (agreement.dropped === 0) return;
		// Indices have moved: what was decoded may stand at another one.
		this.#cache.clear();
		this.#picture = null;
		this.#frameCount = this.#table.known;
		this.#goTo(this.#frameIndex, 0);
	}

	async #askForCopy(note: PlaybackNote): Promise<void> {
		if (this.#closed || this.#playback.kind === 'proxy' || this.#playback.kind === 'failed') return;
		const { videoId, proxyUrl, info } = this.video;
		this.pause();
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
		this.pause();
		this.#release();
		this.#playback = { kind: 'failed', note, progress: null };
	}

	#report(change: Partial<Playback>): void {
		this.#playback = { ...this.#playback, ...change };
	}

	#goTo(frame: number, direction: -1 | 0 | 1): void {
		this.#frameIndex = this.#bounded(frame);
		this.#jumping = true;
		this.#sound?.stop();
		if (this.#table.known > this.#frameIndex) this.#clockSeconds = this.#table.seconds(this.#frameIndex);
		this.#reader?.want(this.#frameIndex, direction);
	}

	#show(picture: Picture): void {
		if (this.#closed) return;
		if (picture.index === this.#frameIndex) this.#jumping = false;
		this.#cache.pin(picture.index);
		this.#picture = picture;
	}

	#tick(now: number): void {
		if (!this.#playing) return;
		this.#ticking = requestAnimationFrame((next) => this.#tick(next));
		const elapsedMs = Math.max(0, now - this.#lastTick);
		this.#lastTick = now;
		if (this.#jumping || this.#table.known === 0) return;
		const shown = this.#picture?.index ?? this.#frameIndex;
		const range = this.#bounds();
		const at = { clockSeconds: this.#clockSeconds, shown };
		const pace = { elapsedMs, rate: this.#rate, ...range };
		const tick = advanceClock(this.#table, at, pace);
		this.#clockSeconds = tick.clockSeconds;
		if (tick.ended) return this.pause();
		this.#sound?.follow(tick.clockSeconds, this.#rate);
		if (tick.due === shown) return;
		this.#frameIndex = tick.due;
		this.#reader?.want(tick.due, this.#rate < 0 ? -1 : 1);
	}

	#bounds(): { first: number; last: number; loop: boolean } {
		const end = Math.max(0, Math.min(this.#frameCount, this.#table.known) - 1);
		const last = Math.min(end, this.#outFrame ?? end);
		const first = Math.min(last, this.#inFrame ?? 0);
		return { first, last, loop: this.#inFrame !== null || this.#outFrame !== null };
	}

	#bounded(frame: number): number {
		return Math.max(0, Math.min(this.#frameCount - 1, Math.round(frame)));
	}

	#release(): void {
		this.#reader?.close();
		this.#sound?.close();
		this.#file?.close();
		this.#sound = null;
		this.#soundSource = null;
		this.#picture = null;
		this.#cache.clear();
		this.#reader = null;
		this.#file = null;
		this.#table = new FrameTable();
		this.#jumping = false;
	}
}

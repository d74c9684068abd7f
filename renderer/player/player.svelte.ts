import type { HostApi, OpenedVideo } from '../../preload/contract.ts';
import type { Cut, CutPicture } from './cut-frames.ts';
import { FrameSource, type Playback } from './frame-source.svelte.ts';
import type { Picture } from './picture-cache.ts';
import { advanceClock } from './play-clock.ts';
import { Sound } from './sound.ts';

export const SLOWEST_RATE = 0.25;
export const FASTEST_RATE = 8;

/** After so long, whatever waits for the first picture waits no longer. */
const ARRIVAL_MS = 3000;

/** How long the first frame is not shown in place of one that the table has not reached. */
const PATIENCE_MS = 300;

/** Where playback begins: a frame, its time in the clock of the file, where that is known, and the ends of the range. */
export type Beginning = {
	frame: number;
	seconds?: number | undefined;
	range: readonly [inFrame: number | null, outFrame: number | null];
};

/**
 * Plays one video, frame by frame: frame i here is decoded frame i of the engine. One clock and one decoded picture
 * serve any number of panes. Methods may be called at any time; frame indices are clamped.
 */
export class Player {
	#frameIndex = $state(0);
	#picture = $state.raw<Picture | null>(null);
	#playing = $state(false);
	#rate = $state(1);
	#inFrame = $state<number | null>(null);
	#outFrame = $state<number | null>(null);
	#arrived = $state(false);

	readonly video: OpenedVideo;
	readonly #source: FrameSource;
	#sound: Sound | null = null;
	#volume = 1;
	#clockSeconds = 0;
	#lastTick = 0;
	#ticking = 0;
	#jumping = false;
	#closed = false;
	/** Null once its frame is known, or a person went elsewhere. */
	#beginning: Omit<Beginning, 'range'> | null;
	/** Whether something was shown in its place, if there is something to show. */
	#glimpsed = false;
	readonly #openedAt = performance.now();
	readonly #onArrived: () => void;
	readonly #patience: ReturnType<typeof setTimeout>;

	private constructor(video: OpenedVideo, host: HostApi, beginning: Beginning, onArrived: () => void) {
		this.#onArrived = onArrived;
		this.#patience = setTimeout(() => this.#arrive(), ARRIVAL_MS);
		this.video = video;
		this.#frameIndex = beginning.frame;
		this.#beginning = beginning;
		this.#source = new FrameSource(video, host, {
			onPicture: (picture) => this.#show(picture),
			onGrown: (isAll) => this.#showIfDue(isAll),
			onMoved: () => {
				this.#picture = null;
				if (!this.#beginning) this.#goTo(this.#frameIndex, 0);
			},
			onRelease: () => this.#release(),
		});
		const [inFrame, outFrame] = beginning.range;
		if (inFrame !== null) this.setIn(inFrame);
		if (outFrame !== null) this.setOut(outFrame);
	}

	/** Resolves when the first frames are known, or a playable copy was requested. `onArrived` is called once, as `arrived` becomes true. */
	static async open(
		video: OpenedVideo,
		host: HostApi,
		beginning: Beginning = { frame: 0, range: [null, null] },
		onArrived: () => void = () => undefined,
	): Promise<Player> {
		const player = new Player(video, host, beginning, onArrived);
		await player.#source.open();
		return player;
	}

	/** Number of frames that can be shown; grows until `complete`. Reactive, like all members below. */
	get frameCount(): number {
		return this.#source.frameCount;
	}

	get complete(): boolean {
		return this.#source.complete;
	}

	/** The requested frame; `picture`, which is on screen, may be a moment behind. */
	get frameIndex(): number {
		return this.#frameIndex;
	}

	/** The time of that frame, in the clock of the file. */
	get timeSeconds(): number {
		return this.timeOf(this.#frameIndex);
	}

	/** The same; null while the frame is not known. */
	get knownSeconds(): number | null {
		const { timeSeconds } = this;
		if (this.#frameIndex < this.#source.table.known) return timeSeconds;
		return this.#beginning?.seconds ?? null;
	}

	/** The picture on screen. Belongs to the player and is valid until the next one. */
	get picture(): Picture | null {
		return this.#picture;
	}

	/** Whether the picture to begin with is there, or is not to be waited for: until then, whatever can wait leaves the page to it. */
	get arrived(): boolean {
		return this.#arrived;
	}

	get playing(): boolean {
		return this.#playing;
	}

	/** 0.25 to 8; negative plays backwards. */
	get rate(): number {
		return this.#rate;
	}

	/** First frame of the range that is looped; null = the video's first. It may lie beyond the frames that are known so far. */
	get inFrame(): number | null {
		return this.#inFrame;
	}

	/** Last frame of the range, included; null = the video's last. */
	get outFrame(): number | null {
		return this.#outFrame;
	}

	get playback(): Playback {
		return this.#source.playback;
	}

	/** Another number as soon as frames may have other pictures than before. */
	get edition(): number {
		return this.#source.edition;
	}

	/** Pieces of frames beside what is shown, in the order of the frames; as in `FrameSource`. */
	cut<C extends Cut>(cuts: readonly C[], signal: AbortSignal): AsyncGenerator<CutPicture<C>, void, void> {
		return this.#source.cut(cuts, signal);
	}

	/** Whether there is sound. */
	get hasSound(): boolean {
		return this.#source.sound !== null;
	}

	/** 0 (silent) to 1. */
	setVolume(volume: number): void {
		this.#volume = volume;
		this.#sound?.setVolume(volume);
	}

	/** Goes to a frame. Pending earlier calls are dropped. */
	seek(frame: number): void {
		this.#goTo(frame, 0);
	}

	/** Goes to the frame shown at a time, in the clock of the file. */
	seekTime(seconds: number): void {
		this.seek(this.frameAt(seconds));
	}

	/** Pauses and moves by `n` frames; backwards if negative. */
	step(n: number): void {
		this.pause();
		this.#move(n, n < 0 ? -1 : 1);
	}

	/** Goes to the frame shown `seconds` later; always to another one if there is one. */
	stepSeconds(seconds: number): void {
		if (this.#beginning) {
			const frames = Math.round(seconds / (this.#source.table.interval ?? 0.04));
			return this.#move(frames || Math.sign(seconds), 0);
		}
		const target = this.frameAt(this.timeSeconds + seconds);
		const least = this.#frameIndex + Math.sign(seconds);
		this.#goTo(seconds < 0 ? Math.min(target, least) : Math.max(target, least), 0);
	}

	play(): void {
		if (this.#playing || this.#closed || this.frameCount === 0) return;
		const { first, last } = this.#bounds();
		const atEnd = this.#rate > 0 ? this.#frameIndex >= last : this.#frameIndex <= first;
		if (!this.#beginning && (atEnd || this.#frameIndex < first || this.#frameIndex > last)) {
			this.#goTo(this.#rate > 0 ? first : last, 0);
		}
		// Browsers only allow sound to start upon a user's action, as here.
		const { sound, table } = this.#source;
		if (sound && !this.#sound) {
			this.#sound = new Sound(sound, new AudioContext());
			this.#sound.setVolume(this.#volume);
		}
		this.#playing = true;
		this.#clockSeconds = table.known > this.#frameIndex ? table.seconds(this.#frameIndex) : 0;
		this.#lastTick = performance.now();
		this.#ticking = requestAnimationFrame((now) => this.#tick(now));
	}

	pause(): void {
		if (!this.#playing) return;
		this.#playing = false;
		this.#sound?.stop();
		cancelAnimationFrame(this.#ticking);
		// Playback stops at the picture on screen.
		if (this.#picture && !this.#jumping && !this.#beginning) this.#frameIndex = this.#picture.index;
	}

	toggle(): void {
		if (this.#playing) this.pause();
		else this.play();
	}

	/** Speed from 0.25 to 8, negative for backwards; clamped. */
	setRate(rate: number): void {
		const size = Math.min(FASTEST_RATE, Math.max(SLOWEST_RATE, Math.abs(rate)));
		this.#rate = rate < 0 ? -size : size;
	}

	/** As J (-1), K (0) and L (1) do: play backwards, pause, play; repeating doubles the speed. */
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

	/** Starts the range at the current or given frame. */
	setIn(frame = this.#frameIndex): void {
		this.#inFrame = this.#markable(frame);
		if (this.#outFrame !== null && this.#outFrame < this.#inFrame) this.#outFrame = null;
	}

	/** Ends the range with the current or given frame. */
	setOut(frame = this.#frameIndex): void {
		this.#outFrame = this.#markable(frame);
		if (this.#inFrame !== null && this.#inFrame > this.#outFrame) this.#inFrame = null;
	}

	clearRange(): void {
		this.#inFrame = null;
		this.#outFrame = null;
	}

	/** The time of a frame, in the clock of the file. */
	timeOf(frame: number): number {
		return this.#source.timeOf(frame);
	}

	/** The frame shown at a time, in the clock of the file. */
	frameAt(seconds: number): number {
		let low = 0;
		let high = this.frameCount;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (this.timeOf(middle) <= seconds + 1e-4) low = middle + 1;
			else high = middle;
		}
		return Math.max(0, low - 1);
	}

	/**
	 * Takes the engine's time of a frame. If it belongs to another frame here, the video is played from a copy instead,
	 * whose frames are the engine's by construction.
	 */
	confirm(frame: number, seconds: number): void {
		this.#source.confirm(frame, seconds);
	}

	close(): void {
		this.#closed = true;
		clearTimeout(this.#patience);
		this.#source.close();
	}

	/** Moves by `n` frames, also from one that is not known yet. */
	#move(n: number, direction: -1 | 0 | 1): void {
		const frame = Math.max(0, this.#frameIndex + n);
		if (!this.#beginning || frame < this.frameCount) return this.#goTo(frame, direction);
		if (this.frameCount === 0) return;
		this.#frameIndex = frame;
		this.#beginning = { frame };
	}

	#goTo(frame: number, direction: -1 | 0 | 1): void {
		this.#beginning = null;
		this.#frameIndex = this.#bounded(frame);
		this.#jumping = true;
		this.#sound?.stop();
		const { table } = this.#source;
		if (table.known > this.#frameIndex) this.#clockSeconds = table.seconds(this.#frameIndex);
		this.#source.want(this.#frameIndex, direction);
	}

	#show(picture: Picture): void {
		if (picture.index === this.#frameIndex) this.#jumping = false;
		else if (picture.index === 0 && this.#picture && this.#beginning) return; // the glimpse was quicker
		this.#picture = picture;
		if (picture.index === this.#frameIndex) this.#arrive();
	}

	#arrive(): void {
		if (this.#arrived) return;
		this.#arrived = true;
		this.#onArrived();
	}

	/** The requested frame may have become known only now; until then the request is kept. */
	#showIfDue(isAll: boolean): void {
		if (isAll && this.frameCount === 0) return; // another file may have some
		if (isAll) this.#boundRange();
		const isDue = this.#frameIndex < this.frameCount || isAll;
		if (this.#beginning && !isDue) return this.#approach(this.#beginning);
		const isShown = this.#picture?.index === this.#frameIndex;
		const isPlaying = this.#playing && !this.#beginning;
		if (this.#beginning || (isDue && !isShown && !isPlaying)) this.#goTo(this.#frameIndex, 0);
	}

	/** Shows the frame before it is known, by its time, or the first one in its place. */
	#approach({ frame, seconds }: Omit<Beginning, 'range'>): void {
		if (!this.#glimpsed && seconds !== undefined) {
			this.#glimpsed = true;
			this.#source.glimpse(frame, seconds, () => this.#beginning?.frame === frame);
		} else if (!this.#picture && performance.now() - this.#openedAt > PATIENCE_MS) {
			this.#source.want(0, 0);
		}
	}

	#tick(now: number): void {
		if (!this.#playing) return;
		this.#ticking = requestAnimationFrame((next) => this.#tick(next));
		const elapsedMs = Math.max(0, now - this.#lastTick);
		this.#lastTick = now;
		const { table } = this.#source;
		if (this.#jumping || this.#beginning || table.known === 0) return;
		const shown = this.#picture?.index ?? this.#frameIndex;
		const range = this.#bounds();
		const at = { clockSeconds: this.#clockSeconds, shown };
		const pace = { elapsedMs, rate: this.#rate, ...range };
		const tick = advanceClock(table, at, pace);
		this.#clockSeconds = tick.clockSeconds;
		if (tick.ended) return this.pause();
		this.#sound?.follow(tick.clockSeconds, this.#rate);
		if (tick.due === shown) return;
		this.#frameIndex = tick.due;
		this.#source.want(tick.due, this.#rate < 0 ? -1 : 1);
	}

	#bounds(): { first: number; last: number; loop: boolean } {
		const end = Math.max(0, Math.min(this.frameCount, this.#source.table.known) - 1);
		if ((this.#inFrame ?? 0) > end) return { first: 0, last: end, loop: false };
		const last = Math.min(end, this.#outFrame ?? end);
		const first = Math.min(last, this.#inFrame ?? 0);
		return { first, last, loop: this.#inFrame !== null || this.#outFrame !== null };
	}

	/** A range may end where no frames are known yet. */
	#markable(frame: number): number {
		return this.complete ? this.#bounded(frame) : Math.max(0, Math.round(frame));
	}

	#boundRange(): void {
		if (this.#inFrame !== null) this.#inFrame = this.#bounded(this.#inFrame);
		if (this.#outFrame !== null) this.#outFrame = this.#bounded(this.#outFrame);
	}

	#bounded(frame: number): number {
		return Math.max(0, Math.min(this.frameCount - 1, Math.round(frame)));
	}

	#release(): void {
		if (!this.#closed) this.#arrive(); // a copy takes its time
		this.pause();
		this.#sound?.close();
		this.#sound = null;
		this.#picture = null;
		this.#jumping = false;
	}
}

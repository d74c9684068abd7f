import type { VideoSample } from 'mediabunny';
import type { FrameTable } from './frame-table.ts';
import type { Picture, PictureCache } from './picture-cache.ts';

export type FrameReaderParts = {
	table: Pick<FrameTable, 'known' | 'complete' | 'seconds' | 'indexOf' | 'keyBefore'>;
	cache: PictureCache;
	/** Decoded frames from the one of this time on. */
	samples(fromSeconds: number): AsyncGenerator<VideoSample, void, unknown>;
	/** Takes ownership of the sample. */
	makePicture(sample: VideoSample, index: number): Picture;
	/** Called with a requested frame. Not every one is delivered: the latest request wins. */
	onPicture(picture: Picture): void;
	/** Called when decoding failed or gave other frames than the table has. The reader has stopped. */
	onTrouble(cause: unknown): void;
};

type Direction = -1 | 0 | 1;
type Goal = { index: number; keepFrom: number; isWish: boolean };
type Run = { samples: AsyncGenerator<VideoSample, void, unknown>; next: number; abandoned: boolean };

/**
 * A request in progress for longer is abandoned for a newer one; younger ones are finished, so that dragging shows
 * something.
 */
const PATIENCE_MS = 300;

/** Continuing is preferred to restarting at a key frame, even if it decodes this many more frames. */
const SPARE_FRAMES = 8;

/** Pictures decoded ahead when playing forwards. */
const READ_AHEAD = 6;

/** Fetches single frames, forwards, backwards or anywhere, from a decoder that can only go forwards from key frames. */
export class FrameReader {
	readonly #parts: FrameReaderParts;
	#wish: { index: number; direction: Direction } | null = null;
	#pending: { goal: Goal; since: number } | null = null;
	#run: Run | null = null;
	#closed = false;
	#impatience: ReturnType<typeof setTimeout> | undefined;
	#wake: () => void = () => undefined;

	constructor(parts: FrameReaderParts) {
		this.#parts = parts;
		void this.#work();
	}

	/** Requests a frame. `direction`: where the next requests will go, so that they can be read ahead. */
	want(index: number, direction: Direction): void {
		const { cache } = this.#parts;
		this.#wish = { index, direction };
		cache.look(index, direction);
		const picture = cache.get(index);
		clearTimeout(this.#impatience);
		if (picture) this.#parts.onPicture(picture);
		else this.#makeWay();
		this.#wake();
	}

	close(): void {
		this.#closed = true;
		clearTimeout(this.#impatience);
		this.#abandon();
		this.#wake();
	}

	/** Abandons what is being decoded if it does not help the request, now or when it has taken too long. */
	#makeWay(): void {
		if (!this.#pending || !this.#wish) return;
		const { goal, since } = this.#pending;
		const { index, direction } = this.#wish;
		const { table } = this.#parts;
		const isOnTheWay = index >= goal.keepFrom && table.keyBefore(index) <= goal.index;
		// While playing, an earlier request is still shown, though late: otherwise nothing would be shown at all.
		if (isOnTheWay || (goal.isWish && direction > 0 && index > goal.index)) return;
		const patience = goal.isWish ? PATIENCE_MS - (performance.now() - since) : 0;
		if (patience <= 0) this.#abandon();
		else this.#impatience = setTimeout(() => this.#makeWay(), patience);
	}

	async #work(): Promise<void> {
		while (!this.#closed) {
			const goal = this.#nextGoal();
			if (!goal) {
				await new Promise<void>((resolve) => (this.#wake = resolve));
				continue;
			}
			try {
				await this.#reach(goal);
			} catch (error) {
				if (this.#closed) return;
				this.close();
				this.#parts.onTrouble(error);
			}
		}
	}

	#nextGoal(): Goal | null {
		const { table, cache } = this.#parts;
		if (!this.#wish || this.#wish.index >= table.known) return null;
		const { index, direction } = this.#wish;
		if (!cache.has(index)) return this.#goal(index, direction, true);
		if (direction > 0) {
			const ahead = Math.min(READ_AHEAD, Math.floor(cache.capacity / 2), table.known - 1 - index);
			for (let i = index + 1; i <= index + ahead; i++) if (!cache.has(i)) return this.#goal(i, 1, false);
		}
		if (direction < 0) {
			const behind = Math.min(Math.floor(cache.capacity / 4), index);
			for (let i = index - 1; i >= index - behind; i--) if (!cache.has(i)) return this.#goal(i, -1, false);
		}
		return null;
	}

	/** Backwards, the frames before the goal are kept: they are needed next. */
	#goal(index: number, direction: Direction, isWish: boolean): Goal {
		const { table, cache } = this.#parts;
		if (direction >= 0) return { index, keepFrom: index, isWish };
		const chunk = Math.max(1, Math.floor(cache.capacity / 2));
		return { index, keepFrom: Math.max(table.keyBefore(index), index - chunk + 1), isWish };
	}

	async #reach(goal: Goal): Promise<void> {
		const { table, cache } = this.#parts;
		const run = this.#runTowards(goal);
		this.#pending = { goal, since: performance.now() };
		try {
			while (!this.#closed && !run.abandoned) {
				const { value: sample, done } = await run.samples.next();
				if (done) {
					if (!run.abandoned) throw new Error(`Decoding ended before frame ${goal.index}.`);
					return;
				}
				if (this.#closed) return sample.close();
				const index = table.indexOf(sample.timestamp);
				if (index >= 0) run.next = index + 1;
				if (index > goal.index) {
					sample.close();
					throw new Error(`Decoding gave frame ${index} where frame ${goal.index} was expected.`);
				}
				if (index < goal.keepFrom || cache.has(index)) {
					sample.close();
				} else {
					const picture = this.#parts.makePicture(sample, index);
					// Before it is cached: whoever paints it pins it there. It may have been requested while it was read ahead.
					if (index === this.#wish?.index || (goal.isWish && index === goal.index))
						this.#parts.onPicture(picture);
					cache.put(picture);
				}
				if (index === goal.index) return;
				// Reading ahead stops for a request; what was decoded so far is kept.
				if (!goal.isWish && this.#wish && !cache.has(this.#wish.index)) return;
			}
		} finally {
			this.#pending = null;
		}
	}

	#runTowards({ keepFrom, index }: Goal): Run {
		const { table } = this.#parts;
		const run = this.#run;
		if (run && !run.abandoned && run.next <= keepFrom) {
			const fromKey = index - table.keyBefore(index);
			if (index - run.next <= fromKey + SPARE_FRAMES) return run;
		}
		this.#abandon();
		this.#run = { samples: this.#parts.samples(table.seconds(keepFrom)), next: keepFrom, abandoned: false };
		return this.#run;
	}

	#abandon(): void {
		if (!this.#run) return;
		this.#run.abandoned = true;
		this.#run.samples.return().catch(() => undefined); // its result is not needed
		this.#run = null;
	}
}

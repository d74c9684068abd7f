import { RecentMap } from '../../main/domain/recent-map.ts';
import { Changes } from '../changes.svelte.ts';

const MOST_BLOCKS = 64;

export type BlockSource<Answer> = {
	/** Frames asked for at once. */
	frames: number;
	/** What is not final is asked for again, but no sooner than this. */
	pauseMs: number;
	/** Asks the host about the frames at positions `[from, from + frames)`. */
	ask: (from: number) => Promise<Answer>;
	/** Whether what an answer says of its frame `row` will stay so. */
	isFinal: (answer: Answer, row: number) => boolean;
};

/** What the host says of a run's frames, asked for block by block as they are looked at. Reactive. */
export class FrameBlocks<Answer> {
	readonly #source: BlockSource<Answer>;
	readonly #blocks = new RecentMap<number, { answer: Answer | null; askedAt: number }>(MOST_BLOCKS);
	readonly #changes = new Changes();

	constructor(source: BlockSource<Answer>) {
		this.#source = source;
	}

	/** The answer about the frame at `position`, and its place in that answer; null while there is none. */
	look(position: number): { answer: Answer; row: number } | null {
		this.#changes.track();
		const { frames, pauseMs, isFinal } = this.#source;
		const row = position % frames;
		const { answer, askedAt } = this.#blocks.get(position - row) ?? {
			answer: null,
			askedAt: Number.NEGATIVE_INFINITY,
		};
		const isOpen = answer === null || !isFinal(answer, row);
		if (isOpen && performance.now() - askedAt > pauseMs) void this.#ask(position - row, answer);
		return answer && { answer, row };
	}

	async #ask(from: number, before: Answer | null): Promise<void> {
		this.#blocks.set(from, { answer: before, askedAt: performance.now() });
		try {
			const answer = await this.#source.ask(from);
			this.#blocks.set(from, { answer, askedAt: performance.now() });
			this.#changes.announce();
		} catch {
			// What was known stays; the next look asks again.
		}
	}
}

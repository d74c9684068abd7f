import { RecentMap } from '../../main/domain/recent-map.ts';
import { Changes } from '../changes.svelte.ts';

const MOST_BLOCKS = 64;

export type BlockSource<Answer> = {
	/** Frames per request. */
	frames: number;
	/** Least pause before answers that are not final are requested again. */
	pauseMs: number;
	/** Requests the frames at positions `[from, from + frames)`. */
	ask: (from: number) => Promise<Answer>;
	/** Whether an answer's row for a frame can no longer change. */
	isFinal: (answer: Answer, row: number) => boolean;
};

/** Data about a run's frames, requested from the host block by block when looked at. Reactive. */
export class FrameBlocks<Answer> {
	readonly #source: BlockSource<Answer>;
	readonly #blocks = new RecentMap<number, { answer: Answer | null; askedAt: number; edition: number }>(
		MOST_BLOCKS,
	);
	readonly #changes = new Changes();
	/** Counts how often everything was out of date. */
	#edition = 0;

	constructor(source: BlockSource<Answer>) {
		this.#source = source;
	}

	/** Answers stay until they are looked at again, and are then requested anew. */
	expire(): void {
		this.#edition++;
		this.#changes.announce();
	}

	/** Lets those who look at answers that are not final request them anew, once their pause is over. */
	lookAgain(): void {
		this.#changes.announce();
	}

	/** The answer with the frame at `position`, and its row in it; null while there is none. */
	look(position: number): { answer: Answer; row: number } | null {
		this.#changes.track();
		const { frames, pauseMs, isFinal } = this.#source;
		const row = position % frames;
		const known = this.#blocks.get(position - row);
		const answer = known?.answer ?? null;
		const isOpen = answer === null || !isFinal(answer, row);
		const isDue = known?.edition !== this.#edition || (isOpen && performance.now() - known.askedAt > pauseMs);
		if (isDue) void this.#ask(position - row, answer);
		return answer && { answer, row };
	}

	async #ask(from: number, before: Answer | null): Promise<void> {
		const edition = this.#edition;
		this.#blocks.set(from, { answer: before, askedAt: performance.now(), edition });
		try {
			const answer = await this.#source.ask(from);
			if (this.#blocks.get(from)?.edition !== edition) return; // a later request is on its way
			this.#blocks.set(from, { answer, askedAt: performance.now(), edition });
			this.#changes.announce();
		} catch {
			// The old answer is kept; the next look requests it again.
		}
	}
}

import { RecentMap } from '../../main/domain/recent-map.ts';
import type { FrameIdentities, RunTracks } from '../../main/tracking/run-tracks.ts';
import type { HostApi } from '../../preload/contract.ts';
import { CHECKPOINT_FRAMES } from './token-history.ts';

/** Frames asked for at once. */
const BLOCK_FRAMES = CHECKPOINT_FRAMES;
const MOST_BLOCKS = 64;
/** A run that is going is asked about its objects no more often than that: following them takes the host's time. */
const PAUSE_MS = 2000;

type Block = { answer: FrameIdentities | null; askedAt: number };

/** Who the objects of a run are, as far as the host has followed them. */
export class Identities {
	/** Null until the first answer. */
	tracks: RunTracks | null = $state.raw(null);
	/** Grows with every answer. */
	version = $state(0);
	readonly #host: HostApi;
	readonly #runId: string;
	readonly #blocks = new RecentMap<number, Block>(MOST_BLOCKS);
	#asking = false;
	#askedAt = Number.NEGATIVE_INFINITY;
	#askedAtEnd = false;
	#later: ReturnType<typeof setTimeout> | null = null;

	constructor(host: HostApi, runId: string) {
		this.#host = host;
		this.#runId = runId;
	}

	/**
	 * Brings `tracks` up to `frameCount` frames: at once when a run has ended, else after the pause. May be called as
	 * often as one likes.
	 */
	refresh(frameCount: number, going: boolean): void {
		if (frameCount <= (this.tracks?.framesKnown ?? 0) || this.#asking) return;
		if (!going && !this.#askedAtEnd) {
			this.#askedAtEnd = true;
			if (this.#later !== null) clearTimeout(this.#later);
			this.#later = null;
			void this.#ask();
			return;
		}
		if (this.#later !== null) return;
		const wait = this.#askedAt + PAUSE_MS - performance.now();
		if (wait <= 0) {
			void this.#ask();
			return;
		}
		this.#later = setTimeout(() => {
			this.#later = null;
			void this.#ask();
		}, wait);
	}

	/** The identity of each detection of the frame at `position`, 0 for none; null while that is not known. */
	of(position: number): Int32Array | null {
		const from = Math.floor(position / BLOCK_FRAMES) * BLOCK_FRAMES;
		const block = this.#blocks.get(from);
		const answer = block?.answer;
		const known = answer ? answer.offsets.length - 1 : 0;
		const row = position - from;
		// In the last frame that was followed, who is new has no number yet.
		const isFinal = row < known - 1 || known === BLOCK_FRAMES;
		if (!isFinal && performance.now() - (block?.askedAt ?? Number.NEGATIVE_INFINITY) > PAUSE_MS) {
			void this.#askBlock(from);
		}
		if (!answer || row >= known) return null;
		return answer.identities.subarray(answer.offsets[row], answer.offsets[row + 1]);
	}

	async #ask(): Promise<void> {
		this.#asking = true;
		this.#askedAt = performance.now();
		try {
			this.tracks = await this.#host.request('run.tracks', { runId: this.#runId });
			this.version++;
		} catch {
			// The next look asks again.
		} finally {
			this.#asking = false;
		}
	}

	async #askBlock(from: number): Promise<void> {
		const before = this.#blocks.get(from)?.answer ?? null;
		this.#blocks.set(from, { answer: before, askedAt: performance.now() });
		try {
			const answer = await this.#host.request('run.identities', {
				runId: this.#runId,
				from,
				count: BLOCK_FRAMES,
			});
			this.#blocks.set(from, { answer, askedAt: performance.now() });
			this.version++;
		} catch {
			// Boxes stay without numbers; the next look asks again.
		}
	}
}

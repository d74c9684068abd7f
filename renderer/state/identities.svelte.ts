import type { FrameIdentities, RunTracks } from '../../main/tracking/run-tracks.ts';
import type { TrackNames } from '../../main/domain/track-labels.ts';
import type { HostApi } from '../../preload/contract.ts';
import { FrameBlocks } from './frame-blocks.ts';
import { CHECKPOINT_FRAMES } from './token-history.ts';

/** Frames per request. */
const BLOCK_FRAMES = CHECKPOINT_FRAMES;
/** Least pause between requests about a run in progress: following objects takes the host's time. */
const PAUSE_MS = 2000;

/** The identities of a run's objects, as far as the host has followed them. */
export class Identities {
	/** Null until the first answer. */
	tracks: RunTracks | null = $state.raw(null);
	/** The names that a person gave to objects. */
	readonly names: TrackNames = $derived(new Map(this.tracks?.names ?? []));
	/** Counts how often a person's edits changed who is who. */
	edits = $state(0);
	readonly #host: HostApi;
	readonly #runId: string;
	readonly #blocks: FrameBlocks<FrameIdentities>;
	#asking = false;
	#asked = 0;
	#askedAt = Number.NEGATIVE_INFINITY;
	#askedAtEnd = false;
	#later: ReturnType<typeof setTimeout> | null = null;

	constructor(host: HostApi, runId: string) {
		this.#host = host;
		this.#runId = runId;
		this.#blocks = new FrameBlocks({
			frames: BLOCK_FRAMES,
			pauseMs: PAUSE_MS,
			ask: (from) => host.request('run.identities', { runId, from, count: BLOCK_FRAMES }),
			// In the last followed frame, new objects have no number yet.
			isFinal: ({ offsets }, row) => row < offsets.length - 2 || offsets.length - 1 === BLOCK_FRAMES,
		});
	}

	/**
	 * Updates `tracks` to `frameCount` frames: at once if the run has ended, else after the pause. May be called any
	 * number of times.
	 */
	refresh(frameCount: number, going: boolean): void {
		if (frameCount <= (this.tracks?.framesKnown ?? 0) || this.#asking) return;
		if (!going && !this.#askedAtEnd) {
			this.#askedAtEnd = true;
			if (this.#later !== null) clearTimeout(this.#later);
			this.#later = null;
			void this.#ask(true);
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

	/** The identity of each detection of the frame at `position`, 0 for none; null while unknown. Reactive. */
	of(position: number): Int32Array | null {
		const found = this.#blocks.look(position);
		if (!found || found.row >= found.answer.offsets.length - 1) return null;
		const { offsets, identities } = found.answer;
		return identities.subarray(offsets[found.row], offsets[found.row + 1]);
	}

	/** Asks for everything anew, after tracks were edited. */
	async reload(): Promise<void> {
		await this.#ask();
		this.#blocks.expire();
		this.edits++;
	}

	async #ask(atEnd = false): Promise<void> {
		const asked = ++this.#asked;
		this.#asking = true;
		this.#askedAt = performance.now();
		try {
			const tracks = await this.#host.request('run.tracks', { runId: this.#runId });
			if (asked !== this.#asked) return; // a later request is on its way
			// Who became an object just now may have been seen long before; what was last when it was looked at is not last any more.
			if (atEnd || !sameNumbers(tracks.identities, this.tracks?.identities)) this.#blocks.expire();
			else this.#blocks.lookAgain();
			this.tracks = tracks;
		} catch {
			// The next call requests it again.
		} finally {
			this.#asking = false;
		}
	}
}

function sameNumbers(a: Int32Array, b: Int32Array | undefined): boolean {
	return a.length === b?.length && a.every((number, i) => number === b[i]);
}

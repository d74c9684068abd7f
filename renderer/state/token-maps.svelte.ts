import { RecentMap } from '../../main/domain/recent-map.ts';
import type { TokenMapKind } from '../../main/domain/tokens.ts';
import type { HostApi, RunMaps } from '../../preload/contract.ts';

/** Frames asked for at once: a few tens of kilobytes. */
const BLOCK_FRAMES = 16;
const MOST_BLOCKS = 64;
/** What is not stored yet is asked for again, but no sooner than this. */
const PAUSE_MS = 500;

type Block = { answer: RunMaps | null; askedAt: number };

/** Maps of a run's tokens, asked for as they are looked at: they are too many to come along with every frame. */
export class TokenMaps {
	/** Grows with every answer. */
	version = $state(0);
	readonly #host: HostApi;
	readonly #runId: string;
	readonly #blocks = new RecentMap<string, Block>(MOST_BLOCKS);

	constructor(host: HostApi, runId: string) {
		this.#host = host;
		this.#runId = runId;
	}

	/** The map [tokens] of the frame at `position`, 0 to 255; null where there is none or it is on its way. */
	of(position: number, kind: TokenMapKind): Uint8Array | null {
		const from = Math.floor(position / BLOCK_FRAMES) * BLOCK_FRAMES;
		const block = this.#blocks.get(`${kind} ${from}`);
		const answer = block?.answer;
		const rows = answer?.known.length ?? 0;
		const row = position - from;
		if (row >= rows && performance.now() - (block?.askedAt ?? Number.NEGATIVE_INFINITY) > PAUSE_MS) {
			void this.#ask(from, kind);
		}
		if (!answer || row >= rows || answer.known[row] === 0) return null;
		const tokens = answer.values.length / rows;
		return answer.values.subarray(row * tokens, (row + 1) * tokens);
	}

	async #ask(from: number, kind: TokenMapKind): Promise<void> {
		const key = `${kind} ${from}`;
		const before = this.#blocks.get(key)?.answer ?? null;
		this.#blocks.set(key, { answer: before, askedAt: performance.now() });
		try {
			const answer = await this.#host.request('run.maps', {
				runId: this.#runId,
				from,
				count: BLOCK_FRAMES,
				kind,
			});
			this.#blocks.set(key, { answer, askedAt: performance.now() });
			this.version++;
		} catch {
			// The picture stays without the map; the next look asks again.
		}
	}
}

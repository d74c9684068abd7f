import type { TokenMapKind } from '../../main/domain/tokens.ts';
import type { HostApi, RunMaps } from '../../preload/contract.ts';
import { FrameBlocks } from './frame-blocks.ts';

/** Frames per request: a few tens of kilobytes. */
const BLOCK_FRAMES = 16;
/** Least pause before frames that were not stored are requested again. */
const PAUSE_MS = 500;

/** Maps of a run's tokens, requested when looked at: they are too large to come with every frame. */
export class TokenMaps {
	readonly #host: HostApi;
	readonly #runId: string;
	readonly #blocks = new Map<TokenMapKind, FrameBlocks<RunMaps>>();

	constructor(host: HostApi, runId: string) {
		this.#host = host;
		this.#runId = runId;
	}

	/**
	 * The map [tokens] of the frame at `position`, 0 to 255; null if there is none or it is still being loaded. Reactive.
	 */
	of(position: number, kind: TokenMapKind): Uint8Array | null {
		const found = this.#blocksOf(kind).look(position);
		if (!found) return null;
		const { known, values } = found.answer;
		if (found.row >= known.length || known[found.row] === 0) return null;
		const tokens = values.length / known.length;
		return values.subarray(found.row * tokens, (found.row + 1) * tokens);
	}

	#blocksOf(kind: TokenMapKind): FrameBlocks<RunMaps> {
		let blocks = this.#blocks.get(kind);
		if (!blocks) {
			const asked = { runId: this.#runId, count: BLOCK_FRAMES, kind };
			blocks = new FrameBlocks({
				frames: BLOCK_FRAMES,
				pauseMs: PAUSE_MS,
				ask: (from) => this.#host.request('run.maps', { ...asked, from }),
				isFinal: ({ known }, row) => row < known.length,
			});
			this.#blocks.set(kind, blocks);
		}
		return blocks;
	}
}

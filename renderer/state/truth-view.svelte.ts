import type { TruthMarks, TruthTimeline } from '../../main/evaluation/truth-frames.ts';
import type { HostApi } from '../../preload/contract.ts';
import type { FrameTruth } from '../player/frame-view.ts';
import { FrameBlocks } from './frame-blocks.ts';
import type { TruthFrom } from '../../preload/truth-contract.ts';

/** Frames per request. */
const BLOCK_FRAMES = 256;
const PAUSE_MS = 2000;

/** What is right, wrong and missed in a finished run, as the host answers it. */
export class TruthView {
	readonly truthId: string;
	readonly from: TruthFrom;
	/** Null until the first answer. */
	timeline: TruthTimeline | null = $state.raw(null);
	readonly #blocks: FrameBlocks<TruthMarks>;

	constructor(host: HostApi, runId: string, truthId: string, from: TruthFrom) {
		this.truthId = truthId;
		this.from = from;
		const request = { runId, truthId, truthFrom: from };
		this.#blocks = new FrameBlocks({
			frames: BLOCK_FRAMES,
			pauseMs: PAUSE_MS,
			ask: (first) => host.request('run.truth', { ...request, from: first, count: BLOCK_FRAMES }),
			isFinal: () => true,
		});
		host.request('run.truthTimeline', request).then(
			(timeline) => (this.timeline = timeline),
			() => undefined, // `run.agreement` says why
		);
	}

	/** The frame at `position` beside the truth; null while unknown, and where the truth does not know it. Reactive. */
	of(position: number): FrameTruth | null {
		const found = this.#blocks.look(position);
		if (!found || found.answer.known[found.row] !== 1) return null;
		const { answer, row } = found;
		const [first, last] = [answer.objectOffsets[row]!, answer.objectOffsets[row + 1]!];
		return {
			verdicts: answer.verdicts.subarray(answer.offsets[row], answer.offsets[row + 1]),
			objectBoxes: answer.objectBoxes.subarray(4 * first, 4 * last),
			objectClasses: answer.objectClasses.subarray(first, last),
			objectScores: answer.objectScores.subarray(first, last),
		};
	}
}

/** The next frame after `frameIndex` with a missed object, or a false box, in one of the runs; wraps around; null where there is none. */
export function nextFault(
	timelines: readonly (TruthTimeline | null)[],
	fault: 'missed' | 'wrong',
	frameIndex: number,
): number | null {
	let [next, first] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
	for (const timeline of timelines) {
		if (!timeline) continue;
		timeline[fault].forEach((count, i) => {
			if (count === 0) return;
			const frame = timeline.frameIndices[i]!;
			first = Math.min(first, frame);
			if (frame > frameIndex) next = Math.min(next, frame);
		});
	}
	const found = Number.isFinite(next) ? next : first;
	return Number.isFinite(found) ? found : null;
}

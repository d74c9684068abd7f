import type { PictureMotion } from '../domain/camera-path.ts';
import { boxIou, type Detections } from '../domain/detections.ts';
import { reachesLeast, type LeastScores } from '../domain/least-scores.ts';
import type { Point } from '../domain/placement.ts';
import { assign } from './assignment.ts';
import { BoxFilter } from './box-filter.ts';

/** How boxes and detections are paired. */
type Round = {
	/** Least overlap, 0 to 1. */
	least: number;
	/** Whether an overlap counts as much as the detection's score. */
	byScore: boolean;
};
/** Predicted boxes with sure detections. */
const SURE: Round = { least: 0.15, byScore: true };
/** Those that are left with doubtful detections. */
const DOUBTFUL: Round = { least: 0.5, byScore: false };
/** Boxes seen only once with sure detections that are left. */
const NEW: Round = { least: 0.3, byScore: true };

/** A lost object is searched for this long, and for at least this many analysed frames. */
const PATIENCE_SECONDS = 1;
const PATIENCE_FRAMES = 2;

/** One object that is followed. */
type Track = {
	/** Counted from 1 in order of the first sighting. */
	tracklet: number;
	classIndex: number;
	filter: BoxFilter;
	sightings: number;
	seenSeconds: number;
	seenFrame: number;
};

/** Detections of a frame, with the tracklets that they were found to belong to. */
type Frame = { seconds: number; detections: Detections; tracklets: Int32Array };

/** Least scores of detections. */
export type TrackerScores = {
	/** Can begin a track; also what is displayed. */
	sure: LeastScores;
	/** Can continue a track, after all sure ones: half-hidden objects have low scores. */
	doubtful: LeastScores;
};

/** How the picture has moved since the frame before, and where its middle is. */
export type MovedPicture = { motion: PictureMotion; middle: Point };

/**
 * Follows objects from frame to frame by their boxes alone: ByteTrack (Zhang et al., ECCV 2022, arXiv 2110.06864,
 * algorithm 1) with classes kept apart. Two rounds of least-cost pairing by overlap with predicted boxes: first the sure
 * detections with all tracks, an overlap counting as much as the detection's score, as in the published code; then the doubtful
 * ones with the tracks that are left and were seen in the frame before. Frames may be any time apart; where a camera is
 * followed, predictions move with its picture. The same boxes always give the same tracks.
 */
export class Tracker {
	readonly #scores: TrackerScores;
	#tracks: Track[] = [];
	#frame = 0;
	#tracklets = 0;
	#lastSeconds = 0;

	constructor(scores: TrackerScores) {
		this.#scores = scores;
	}

	/**
	 * The tracklet of each detection of the next frame, counted from 1; 0 for none. A tracklet with a single sighting is
	 * not an object yet. `moved` is null where the camera was fixed.
	 */
	step(timeSeconds: number, detections: Detections, moved: MovedPicture | null = null): Int32Array {
		const frame = { seconds: timeSeconds, detections, tracklets: new Int32Array(detections.count) };
		this.#predict(Math.max(0, timeSeconds - this.#lastSeconds), moved);
		this.#lastSeconds = timeSeconds;
		this.#frame++;
		const { sure, doubtful } = this.#byScore(detections);
		const known = this.#tracks.filter(({ sightings }) => sightings > 1);
		const seenOnce = this.#tracks.filter(({ sightings }) => sightings === 1);
		this.#pair(known, frame, sure, SURE);
		const justSeen = known.filter(({ seenFrame }) => seenFrame === this.#frame - 1);
		this.#pair(justSeen, frame, doubtful, DOUBTFUL);
		this.#pair(seenOnce, frame, sure, NEW);
		this.#tracks = this.#tracks.filter((track) => this.#isAwaited(track, timeSeconds));
		for (const i of sure) {
			if (frame.tracklets[i] === 0) frame.tracklets[i] = this.#begin(timeSeconds, detections, i);
		}
		return frame.tracklets;
	}

	#byScore({ count, classIndices, scores }: Detections): { sure: number[]; doubtful: number[] } {
		const sure: number[] = [];
		const doubtful: number[] = [];
		for (let i = 0; i < count; i++) {
			if (reachesLeast(this.#scores.sure, classIndices[i]!, scores[i]!)) sure.push(i);
			else if (reachesLeast(this.#scores.doubtful, classIndices[i]!, scores[i]!)) doubtful.push(i);
		}
		return { sure, doubtful };
	}

	/** Pairs tracks with the detections `among` that are free, of the same class. */
	#pair(tracks: readonly Track[], frame: Frame, among: readonly number[], round: Round): void {
		const { seconds, detections, tracklets } = frame;
		const free = among.filter((i) => tracklets[i] === 0);
		if (tracks.length === 0 || free.length === 0) return;
		const limit = 1 - round.least + 1e-9; // the least overlap counts as enough
		const columns = assign(costsOf(tracks, detections, free, round), tracks.length, free.length, limit);
		for (const [row, track] of tracks.entries()) {
			if (columns[row]! < 0) continue;
			const i = free[columns[row]!]!;
			track.filter.see(detections.boxesXyxy, i);
			track.sightings++;
			track.seenSeconds = seconds;
			track.seenFrame = this.#frame;
			tracklets[i] = track.tracklet;
		}
	}

	#predict(seconds: number, moved: MovedPicture | null): void {
		for (const { filter, seenFrame } of this.#tracks) {
			if (seenFrame < this.#frame) filter.holdHeight();
			filter.predict(seconds);
			if (moved) filter.moveWith(moved.motion, moved.middle);
		}
	}

	#isAwaited({ sightings, seenFrame, seenSeconds }: Track, timeSeconds: number): boolean {
		if (seenFrame === this.#frame) return true;
		if (sightings === 1) return false; // an object seen in one frame only is dropped
		return timeSeconds - seenSeconds <= PATIENCE_SECONDS + 1e-6 || this.#frame - seenFrame <= PATIENCE_FRAMES;
	}

	#begin(timeSeconds: number, detections: Detections, i: number): number {
		this.#tracks.push({
			tracklet: ++this.#tracklets,
			classIndex: detections.classIndices[i]!,
			filter: new BoxFilter(detections.boxesXyxy, i),
			sightings: 1,
			seenSeconds: timeSeconds,
			seenFrame: this.#frame,
		});
		return this.#tracklets;
	}
}

/** Memory that all calls share. */
let sharedCosts = new Float64Array(64);
const box = new Float64Array(4);

/** [tracks, among] How little each predicted box and each detection `among` overlap; infinite for those of two classes. */
function costsOf(
	tracks: readonly Track[],
	{ classIndices, scores, boxesXyxy }: Detections,
	among: readonly number[],
	{ byScore }: Round,
): Float64Array {
	if (sharedCosts.length < tracks.length * among.length) {
		sharedCosts = new Float64Array(2 * tracks.length * among.length);
	}
	let at = 0;
	for (const { filter, classIndex } of tracks) {
		filter.putBox(box);
		for (const i of among) {
			const weight = byScore ? scores[i]! : 1;
			const isSame = classIndices[i] === classIndex;
			sharedCosts[at++] = isSame ? 1 - weight * boxIou(box, 0, boxesXyxy, i) : Infinity;
		}
	}
	return sharedCosts;
}

import type { PictureMotion } from '../domain/camera-path.ts';
import { boxIou, type Detections } from '../domain/detections.ts';
import { reachesLeast, type LeastScores } from '../domain/least-scores.ts';
import type { Point } from '../domain/placement.ts';
import { assign } from './assignment.ts';
import { BoxFilter } from './box-filter.ts';

// Least overlaps, 0 to 1: of predicted boxes with sure detections, times the score of these; of the remaining ones with doubtful
// detections; and of objects seen only once, times the score.
const SURE_OVERLAP = 0.15;
const DOUBTFUL_OVERLAP = 0.5;
const NEW_OVERLAP = 0.3;

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
		const tracklets = new Int32Array(detections.count);
		const { sure, doubtful } = this.#scores;
		this.#predict(Math.max(0, timeSeconds - this.#lastSeconds), moved);
		this.#lastSeconds = timeSeconds;
		this.#frame++;
		const seen = new Set<Track>();
		const take = (track: Track, i: number) => {
			track.filter.see(detections.box(i));
			track.sightings++;
			track.seenSeconds = timeSeconds;
			track.seenFrame = this.#frame;
			tracklets[i] = track.tracklet;
			seen.add(track);
		};
		const reaches = (least: LeastScores, i: number) =>
			reachesLeast(least, detections.classIndices[i]!, detections.scores[i]!);
		const free = (wanted: (i: number) => boolean) =>
			Array.from(detections.scores.keys()).filter((i) => tracklets[i] === 0 && wanted(i));
		const isSure = (i: number) => reaches(sure, i);
		const isDoubtful = (i: number) => reaches(doubtful, i) && !isSure(i);
		const score = (i: number) => detections.scores[i]!;
		const known = this.#tracks.filter(({ sightings }) => sightings > 1);
		const seenOnce = this.#tracks.filter(({ sightings }) => sightings === 1);
		pair(known, detections, free(isSure), score, SURE_OVERLAP, take);
		const justSeen = known.filter((track) => !seen.has(track) && track.seenFrame === this.#frame - 1);
		pair(justSeen, detections, free(isDoubtful), () => 1, DOUBTFUL_OVERLAP, take);
		pair(seenOnce, detections, free(isSure), score, NEW_OVERLAP, take);
		this.#tracks = this.#tracks.filter((track) => seen.has(track) || this.#isAwaited(track, timeSeconds));
		for (const i of free(isSure)) tracklets[i] = this.#begin(timeSeconds, detections, i);
		return tracklets;
	}

	#predict(seconds: number, moved: MovedPicture | null): void {
		for (const { filter, seenFrame } of this.#tracks) {
			if (seenFrame < this.#frame) filter.holdHeight();
			filter.predict(seconds);
			if (moved) filter.moveWith(moved.motion, moved.middle);
		}
	}

	#isAwaited({ sightings, seenFrame, seenSeconds }: Track, timeSeconds: number): boolean {
		if (sightings === 1) return false; // an object seen in one frame only is dropped
		return timeSeconds - seenSeconds <= PATIENCE_SECONDS + 1e-6 || this.#frame - seenFrame <= PATIENCE_FRAMES;
	}

	#begin(timeSeconds: number, detections: Detections, i: number): number {
		this.#tracks.push({
			tracklet: ++this.#tracklets,
			classIndex: detections.classIndices[i]!,
			filter: new BoxFilter(detections.box(i)),
			sightings: 1,
			seenSeconds: timeSeconds,
			seenFrame: this.#frame,
		});
		return this.#tracklets;
	}
}

/** Pairs tracks with the detections `among`, of the same class and with at least `least` overlap times weight. */
function pair(
	tracks: readonly Track[],
	detections: Detections,
	among: readonly number[],
	weight: (i: number) => number,
	least: number,
	take: (track: Track, i: number) => void,
): void {
	const costs = new Float64Array(tracks.length * among.length).fill(Infinity);
	tracks.forEach(({ filter, classIndex }, row) => {
		const { box } = filter;
		among.forEach((i, col) => {
			if (detections.classIndices[i] !== classIndex) return;
			costs[row * among.length + col] = 1 - weight(i) * boxIou(box, 0, detections.boxesXyxy, i);
		});
	});
	const limit = 1 - least + 1e-9; // the least overlap counts as enough
	assign(costs, tracks.length, among.length, limit).forEach((col, row) => {
		if (col >= 0) take(tracks[row]!, among[col]!);
	});
}

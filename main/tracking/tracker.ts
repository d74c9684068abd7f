import { boxIou, type Detections } from '../domain/detections.ts';
import { reachesLeast, type LeastScores } from '../domain/least-scores.ts';
import { assign } from './assignment.ts';

// Least overlaps, as in the published tracker: of predicted boxes with sure detections, of the remaining ones with
// doubtful detections, and of objects seen only once.
const SURE_OVERLAP = 0.2;
const DOUBTFUL_OVERLAP = 0.5;
const NEW_OVERLAP = 0.3;

/** A lost object is searched for this long, and for at least this many analysed frames. */
const PATIENCE_SECONDS = 1;
const PATIENCE_FRAMES = 2;

/** Share of a prediction's error that corrects the velocity, after enough sightings. */
const VELOCITY_GAIN = 0.3;

/** One object that is followed. */
type Track = {
	/** Counted from 1 in order of the first sighting. */
	tracklet: number;
	classIndex: number;
	/** Its predicted box: left, top, right, bottom in displayed video pixels. */
	box: Float32Array;
	/** Velocity of its centre, in pixels per second. */
	velocity: [x: number, y: number];
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

/**
 * Follows objects from frame to frame by their boxes alone: ByteTrack (Zhang et al., ECCV 2022, arXiv 2110.06864,
 * algorithm 1) with classes kept apart. Two rounds of least-cost pairing by overlap: first the sure detections with all
 * tracks, then the doubtful ones with the tracks that are left and were seen in the frame before. In place of the
 * paper's Kalman filter of eight numbers, the centre is filtered with its steady state for constant velocity (α-β,
 * Kalata 1984); the size is the one last seen. Frames may be any time apart. The same boxes always give the same
 * tracks.
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
	 * not an object yet.
	 */
	step(timeSeconds: number, detections: Detections): Int32Array {
		const tracklets = new Int32Array(detections.count);
		const { sure, doubtful } = this.#scores;
		this.#predict(Math.max(0, timeSeconds - this.#lastSeconds));
		this.#lastSeconds = timeSeconds;
		this.#frame++;
		const seen = new Set<Track>();
		const take = (track: Track, i: number) => {
			this.#see(track, timeSeconds, detections.box(i));
			tracklets[i] = track.tracklet;
			seen.add(track);
		};
		const reaches = (least: LeastScores, i: number) =>
			reachesLeast(least, detections.classIndices[i]!, detections.scores[i]!);
		const free = (wanted: (i: number) => boolean) =>
			Array.from(detections.scores.keys()).filter((i) => tracklets[i] === 0 && wanted(i));
		const isSure = (i: number) => reaches(sure, i);
		const isDoubtful = (i: number) => reaches(doubtful, i) && !isSure(i);
		const known = this.#tracks.filter(({ sightings }) => sightings > 1);
		pair(known, detections, free(isSure), SURE_OVERLAP, take);
		const justSeen = known.filter((track) => !seen.has(track) && track.seenFrame === this.#frame - 1);
		pair(justSeen, detections, free(isDoubtful), DOUBTFUL_OVERLAP, take);
		const seenOnce = this.#tracks.filter(({ sightings }) => sightings === 1);
		pair(seenOnce, detections, free(isSure), NEW_OVERLAP, take);
		this.#tracks = this.#tracks.filter((track) => seen.has(track) || this.#isAwaited(track, timeSeconds));
		for (const i of free(isSure)) tracklets[i] = this.#begin(timeSeconds, detections, i);
		return tracklets;
	}

	#predict(seconds: number): void {
		for (const { box, velocity } of this.#tracks) {
			for (let side = 0; side < 4; side++) box[side]! += velocity[side % 2 === 0 ? 0 : 1] * seconds;
		}
	}

	#see(track: Track, timeSeconds: number, box: readonly [number, number, number, number]): void {
		const seconds = timeSeconds - track.seenSeconds;
		// After few sightings, the velocity is the mean of what was seen.
		const gain = Math.max(VELOCITY_GAIN, 1 / track.sightings);
		for (const axis of [0, 1] as const) {
			const error = (box[axis] + box[axis + 2]! - track.box[axis]! - track.box[axis + 2]!) / 2;
			if (seconds > 0) track.velocity[axis] += (gain * error) / seconds;
		}
		track.box.set(box);
		track.sightings++;
		track.seenSeconds = timeSeconds;
		track.seenFrame = this.#frame;
	}

	#isAwaited({ sightings, seenFrame, seenSeconds }: Track, timeSeconds: number): boolean {
		if (sightings === 1) return false; // an object seen in one frame only is dropped
		return timeSeconds - seenSeconds <= PATIENCE_SECONDS + 1e-6 || this.#frame - seenFrame <= PATIENCE_FRAMES;
	}

	#begin(timeSeconds: number, detections: Detections, i: number): number {
		this.#tracks.push({
			tracklet: ++this.#tracklets,
			classIndex: detections.classIndices[i]!,
			box: Float32Array.from(detections.box(i)),
			velocity: [0, 0],
			sightings: 1,
			seenSeconds: timeSeconds,
			seenFrame: this.#frame,
		});
		return this.#tracklets;
	}
}

/** Pairs tracks with the detections `among`, of the same class and with at least `overlap`. */
function pair(
	tracks: readonly Track[],
	detections: Detections,
	among: readonly number[],
	overlap: number,
	take: (track: Track, i: number) => void,
): void {
	const costs = new Float64Array(tracks.length * among.length).fill(Infinity);
	tracks.forEach(({ box, classIndex }, row) => {
		among.forEach((i, col) => {
			if (detections.classIndices[i] !== classIndex) return;
			costs[row * among.length + col] = 1 - boxIou(box, 0, detections.boxesXyxy, i);
		});
	});
	const limit = 1 - overlap + 1e-9; // the least overlap counts as enough
	assign(costs, tracks.length, among.length, limit).forEach((col, row) => {
		if (col >= 0) take(tracks[row]!, among[col]!);
	});
}

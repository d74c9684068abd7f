import { cameraAt, pictureMotion, type CameraColumns } from '../domain/camera-path.ts';
import type { Detections } from '../domain/detections.ts';
import { assert } from '../domain/errors.ts';
import { loweredTo, reachesLeast, type LeastScores } from '../domain/least-scores.ts';
import type { Size } from '../domain/video.ts';
import type { NamedArray, NamedArrays } from '../domain/named-arrays.ts';
import { EditedIdentities, positionOf, type TrackEdit } from './track-edits.ts';
import { Tracker, type MovedPicture } from './tracker.ts';

/**
 * Which rules objects are followed by, here and in the tracker: to be raised with every change after which the same boxes may give other
 * tracks, so that what was kept of runs is not used any more.
 */
export const RULES_VERSION = 1;

/** Least score of a detection that can continue an identity; see `TrackerScores.doubtful`. */
const DOUBTFUL_SCORE = 0.2;

/**
 * How much of the way from its class's least score to 1 an object has to come in one frame at least to be one: what begins
 * with a mistake is rarely ever surer. ByteTrack begins no track below a higher score; here its earlier sightings count as well.
 */
const CERTAINTY = 0.5;

/** The part of a stored run that identities are derived from; `frameCount` may grow between calls. */
export type TrackedRun = {
	frameCount: number;
	header: { displayThresholds: LeastScores; video: { displaySize: Size } };
	frames: { frameIndex: Int32Array; timeSeconds: Float64Array; camera: CameraColumns | null };
	/** They are looked at before the next ones are asked for. */
	viewDetections(position: number): Detections;
};

/**
 * The objects of a run, one per identity, in columns in order of the first frame, after a person's edits. Identities count from 1, were seen in
 * at least two frames, and surely in one.
 */
export type RunTracks = {
	/** Frames of the run followed so far. */
	framesKnown: number;
	identities: Int32Array;
	classIndices: Uint16Array;
	firstFrames: Int32Array;
	lastFrames: Int32Array;
	/** Frames in which it was seen. */
	sightings: Int32Array;
	/** [tracks + 1] Where the spans of each begin. */
	spanOffsets: Uint32Array;
	/** [spans, 2] First and last frame of each stretch of analysed frames in which it was seen throughout. */
	spans: Int32Array;
	/** The names that a person gave to some. */
	names: readonly (readonly [identity: number, name: string])[];
};

/** Identities of the detections of some frames: those of frame f are `offsets[f]` up to `[f + 1]`; 0 for none. */
export type FrameIdentities = { offsets: Uint32Array; identities: Int32Array };

type Tracklet = {
	classIndex: number;
	/** 0 until it was seen twice, and certainly once. */
	identity: number;
	isCertain: boolean;
	sightings: number;
	lastPosition: number;
	/** Pairs of positions, both ends included. */
	spans: number[];
};

/** What `RunTracks` tells of one. */
type Seen = Pick<Tracklet, 'identity' | 'classIndex' | 'spans'>;

/**
 * Follows the objects of one run as far as it is stored, and continues there when the run has grown. What a person changed of
 * them is applied to what was found, and can be replaced at any time.
 */
export class RunIdentities {
	readonly #tracker: Tracker;
	readonly #certain: LeastScores;
	readonly #tracklets: Tracklet[] = [];
	/** The tracklets that became identities, in that order. */
	readonly #identities: Tracklet[] = [];
	/** Per frame, where its entries of `#ofDetections` begin; detections after the last followed frame have none. */
	#offsets = new Uint32Array(1024);
	#ofDetections: Int32Array = new Int32Array(4096);
	#frameIndices: Int32Array = new Int32Array(1024);
	#known = 0;
	#isRestored = false;
	#edits: EditedIdentities;
	/** What was told last. */
	#found: RunTracks | null = null;
	#tracks: { edits: EditedIdentities; of: RunTracks } | null = null;

	constructor(displayThresholds: LeastScores, edits: readonly TrackEdit[] = []) {
		this.#edits = new EditedIdentities(edits);
		this.#tracker = new Tracker({
			sure: displayThresholds,
			doubtful: loweredTo(DOUBTFUL_SCORE, displayThresholds),
		});
		this.#certain = displayThresholds.map((score) => score + CERTAINTY * (1 - score));
	}

	/** Replaces all edits. */
	edit(edits: readonly TrackEdit[]): void {
		this.#edits = new EditedIdentities(edits);
	}

	/** What a person changed, as it is now: `edit` puts others in their place. */
	get edits(): EditedIdentities {
		return this.#edits;
	}

	/** Frames that have been followed. */
	get known(): number {
		return this.#known;
	}

	/** Whether they were followed at another time: then they are not followed any further. */
	get isRestored(): boolean {
		return this.#isRestored;
	}

	/** Follows up to position `to` (excluded), one step per frame. The run is that of earlier calls, possibly grown. */
	*follow(run: TrackedRun, to = run.frameCount): Generator<void, void> {
		assert(!this.#isRestored || to <= this.#known, 'what was restored is whole');
		for (; this.#known < Math.min(to, run.frameCount);) {
			this.#add(run, this.#known);
			yield;
		}
	}

	/**
	 * Throws (assertion) for frames that have not been followed. Where two boxes of a frame belong to objects that were joined, the
	 * surer one has the number.
	 */
	ofFrames(
		from: number,
		to: number,
		countOf: (position: number) => number,
		edits = this.#edits,
	): FrameIdentities {
		assert(from >= 0 && from <= to && to <= this.#known, `identities are known up to ${this.#known}`);
		const offsets = new Uint32Array(to - from + 1);
		for (let p = from; p < to; p++) offsets[p - from + 1] = offsets[p - from]! + countOf(p);
		const identities = new Int32Array(offsets[to - from]!);
		for (let p = from; p < to; p++) {
			const first = this.#offsets[p]!;
			const count = this.#offsets[p + 1]! - first;
			const seen = edits.isEmpty ? null : new Set<number>();
			for (let i = 0; i < count; i++) {
				const tracklet = this.#ofDetections[first + i]!;
				if (tracklet === 0) continue;
				const identity = edits.at(this.#tracklets[tracklet - 1]!.identity, this.#frameIndices[p]!);
				if (!seen?.has(identity)) identities[offsets[p - from]! + i] = identity;
				seen?.add(identity);
			}
		}
		return { offsets, identities };
	}

	/** All objects so far, after the edits. */
	tracks(): RunTracks {
		const [known, edits] = [this.#known, this.#edits];
		if (this.#tracks?.edits !== edits || this.#tracks.of.framesKnown !== known) {
			const of = edits.isEmpty ? this.tracksFound() : this.#inColumns(this.#edited(), edits.names);
			this.#tracks = { edits, of };
		}
		return this.#tracks.of;
	}

	/** All objects so far, as they were found. */
	tracksFound(): RunTracks {
		if (this.#found?.framesKnown !== this.#known) this.#found = this.#inColumns(this.#identities, []);
		return this.#found;
	}

	/** `seen`: by identity. */
	#inColumns(seen: readonly Seen[], names: RunTracks['names']): RunTracks {
		// By the first frame, and by identity where that is the same: as numbers, which are sorted ten times as fast as objects.
		const order = Float64Array.from(seen, ({ spans }, i) => spans[0]! * seen.length + i).sort();
		const tracks = Array.from(order, (key) => seen[key % seen.length]!);
		const spanOffsets = new Uint32Array(tracks.length + 1);
		tracks.forEach(({ spans }, i) => (spanOffsets[i + 1] = spanOffsets[i]! + spans.length / 2));
		const spans = new Int32Array(2 * spanOffsets[tracks.length]!);
		tracks.forEach((track, i) => {
			const first = 2 * spanOffsets[i]!;
			for (let s = 0; s < track.spans.length; s++) spans[first + s] = this.#frameIndices[track.spans[s]!]!;
		});
		return {
			framesKnown: this.#known,
			identities: Int32Array.from(tracks, ({ identity }) => identity),
			classIndices: Uint16Array.from(tracks, ({ classIndex }) => classIndex),
			firstFrames: Int32Array.from(tracks, (_, i) => spans[2 * spanOffsets[i]!]!),
			lastFrames: Int32Array.from(tracks, (_, i) => spans[2 * spanOffsets[i + 1]! - 1]!),
			sightings: Int32Array.from(tracks, (track) => lengthOf(track.spans)),
			spanOffsets,
			spans,
			names,
		};
	}

	/** Cuts what was found into the parts that the edits make, and puts those together that are one; by identity. */
	#edited(): Seen[] {
		const frames = this.#frameIndices.subarray(0, this.#known);
		const pieces = new Map<number, { classIndex: number; first: number; last: number }[]>();
		for (const { identity: found, classIndex, spans } of this.#identities) {
			for (const { from, to, identity } of this.#edits.partsOfFound(found)) {
				if (identity === 0) continue;
				const [begin, end] = [positionOf(frames, from), positionOf(frames, to)];
				for (let s = 0; s < spans.length; s += 2) {
					const [first, last] = [Math.max(spans[s]!, begin), Math.min(spans[s + 1]!, end - 1)];
					if (first > last) continue;
					const piece = { classIndex, first, last };
					const others = pieces.get(identity);
					if (others) others.push(piece);
					else pieces.set(identity, [piece]);
				}
			}
		}
		const inOrder = [...pieces].sort(([a], [b]) => a - b);
		return inOrder.map(([identity, parts]) => {
			parts.sort((a, b) => a.first - b.first);
			const spans: number[] = [];
			for (const { first, last } of parts) {
				if (spans.length > 0 && first <= spans.at(-1)! + 1) {
					spans[spans.length - 1] = Math.max(spans.at(-1)!, last);
				} else spans.push(first, last);
			}
			return { identity, classIndex: parts[0]!.classIndex, spans };
		});
	}

	/**
	 * What was found, to be restored as long as the run stays as it is: where the identities of each frame begin, those of its detections
	 * (0 for none); class of each identity, where its spans begin, and their positions in pairs.
	 */
	toArrays(): NamedArrays {
		const found = this.#identities;
		const spanOffsets = new Int32Array(found.length + 1);
		found.forEach(({ spans }, i) => (spanOffsets[i + 1] = spanOffsets[i]! + spans.length));
		const spans = new Int32Array(spanOffsets[found.length]!);
		found.forEach((tracklet, i) => spans.set(tracklet.spans, spanOffsets[i]));
		const ofDetections = this.#ofDetections.subarray(0, this.#offsets[this.#known]);
		return {
			offsets: Int32Array.from(this.#offsets.subarray(0, this.#known + 1)),
			identities: ofDetections.map((tracklet) =>
				tracklet > 0 ? this.#tracklets[tracklet - 1]!.identity : 0,
			),
			classIndices: Int32Array.from(found, ({ classIndex }) => classIndex),
			spanOffsets,
			spans,
		};
	}

	/** Takes over what `toArrays` gave, of the run with the frames `frameIndices`, unless it can't be that. */
	restore(arrays: NamedArrays, frameIndices: Int32Array): void {
		assert(this.#known === 0, 'what was followed is not replaced');
		const known = frameIndices.length;
		const { offsets, identities, classIndices, spanOffsets, spans } = arrays;
		if (
			!isColumn(offsets, known + 1) ||
			!isColumn(identities, offsets[known]) ||
			!isColumn(classIndices) ||
			!isColumn(spanOffsets, classIndices.length + 1) ||
			!isColumn(spans, spanOffsets.at(-1))
		)
			return;
		const count = classIndices.length;
		const isWhole =
			[offsets, spanOffsets].every(ascends) && liesIn(identities, 0, count) && liesIn(spans, 0, known - 1);
		if (!isWhole) return;
		for (let i = 0; i < count; i++) {
			const own: number[] = [];
			for (let s = spanOffsets[i]!; s < spanOffsets[i + 1]!; s++) own.push(spans[s]!);
			const tracklet: Tracklet = {
				classIndex: classIndices[i]!,
				identity: i + 1,
				isCertain: true,
				sightings: lengthOf(own),
				lastPosition: own.at(-1)!,
				spans: own,
			};
			this.#tracklets.push(tracklet);
			this.#identities.push(tracklet);
		}
		this.#offsets = Uint32Array.from(offsets);
		this.#ofDetections = identities;
		this.#frameIndices = frameIndices;
		this.#known = known;
		this.#isRestored = true;
	}

	#add(run: TrackedRun, position: number): void {
		const detections = run.viewDetections(position);
		const seconds = run.frames.timeSeconds[position]!;
		const tracklets = this.#tracker.step(seconds, detections, movedPicture(run, position));
		let count = tracklets.length;
		while (count > 0 && tracklets[count - 1] === 0) count--;
		const first = this.#offsets[position]!;
		this.#offsets = grown(this.#offsets, position + 2, (length) => new Uint32Array(length));
		this.#frameIndices = grown(this.#frameIndices, position + 1, (length) => new Int32Array(length));
		this.#ofDetections = grown(this.#ofDetections, first + count, (length) => new Int32Array(length));
		for (let i = 0; i < count; i++) this.#ofDetections[first + i] = tracklets[i]!;
		this.#offsets[position + 1] = first + count;
		this.#frameIndices[position] = run.frames.frameIndex[position]!;
		for (let i = 0; i < count; i++) {
			if (tracklets[i]! > 0) this.#see(tracklets[i]!, detections, i, position);
		}
		this.#known = position + 1;
	}

	#see(number: number, { classIndices, scores }: Detections, i: number, position: number): void {
		const classIndex = classIndices[i]!;
		const tracklet = (this.#tracklets[number - 1] ??= {
			classIndex,
			identity: 0,
			isCertain: false,
			sightings: 0,
			lastPosition: position - 2,
			spans: [],
		});
		tracklet.sightings++;
		if (tracklet.lastPosition === position - 1) tracklet.spans[tracklet.spans.length - 1] = position;
		else tracklet.spans.push(position, position);
		tracklet.lastPosition = position;
		tracklet.isCertain ||= reachesLeast(this.#certain, classIndex, scores[i]!);
		if (tracklet.identity === 0 && tracklet.isCertain && tracklet.sightings > 1) {
			tracklet.identity = this.#identities.push(tracklet);
		}
	}
}

function isColumn(array: NamedArray | undefined, length = array?.length): array is Int32Array {
	return array instanceof Int32Array && array.length === length;
}

function ascends(values: Int32Array): boolean {
	for (let i = 1; i < values.length; i++) if (values[i]! < values[i - 1]!) return false;
	return values[0] === 0;
}

function liesIn(values: Int32Array, least: number, most: number): boolean {
	for (let i = 0; i < values.length; i++) if (values[i]! < least || values[i]! > most) return false;
	return true;
}

/** Positions in pairs of both ends. */
function lengthOf(spans: readonly number[]): number {
	let length = 0;
	for (let s = 0; s < spans.length; s += 2) length += spans[s + 1]! - spans[s]! + 1;
	return length;
}

/** Null where the camera was fixed, or not known. */
function movedPicture({ frames, header }: TrackedRun, position: number): MovedPicture | null {
	const [from, to] = [cameraAt(frames.camera, position - 1), cameraAt(frames.camera, position)];
	if (!from || !to) return null;
	const { width, height } = header.video.displaySize;
	return { motion: pictureMotion(from, to), middle: { x: width / 2, y: height / 2 } };
}

function grown<T extends Int32Array | Uint32Array>(
	column: T,
	length: number,
	make: (length: number) => T,
): T {
	if (length <= column.length) return column;
	const larger = make(2 * length);
	larger.set(column);
	return larger;
}

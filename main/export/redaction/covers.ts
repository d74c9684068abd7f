import { firstIndex } from '../../domain/first-index.ts';
import type { TrackPaths } from '../../domain/track-paths.ts';
import type { Size } from '../../domain/video.ts';

/** Left, top, right, bottom in displayed pixels of the video. */
export type Box = readonly [number, number, number, number];

/** The frames of a clip: ascending indices and their times. */
export type ClipTimes = { frameIndices: Int32Array; timesSeconds: Float64Array };

export type CoverOptions = {
	/** Grown on each side by this share of the box's own size. */
	margin: number;
	/**
	 * Covered before its first sighting and after its last one, in seconds; also at the edge of the picture, where people may linger
	 * before they are found.
	 */
	lead: number;
	/** The displayed size of the picture. */
	pictureSize: Size;
};

/** A time in which nobody saw somebody who is hidden: a person should look there. Frames, both ends included. */
export type Interruption = {
	identity: number;
	what: 'gap' | 'appeared' | 'vanished';
	fromFrame: number;
	toFrame: number;
};

/** Where the picture is hidden: those of frame i of the clip are `boxes[offsets[i]]` up to `offsets[i + 1]`. */
export type Covers = { offsets: Uint32Array; boxes: Box[] };

/** How fast a place grows unsure while nobody sees who is hidden there: share of the size of the box, per second on each side. */
const GROWTH_PER_SECOND = 0.5;
const MOST_GROWTH = 1;
/** A box whose edge is as close to the edge of the picture, as a share of its side, comes in or goes out there. */
const EDGE = 0.02;
/** Between sightings of a track, what it moved by in this time before tells where it goes on to, in seconds. */
const VELOCITY_SECONDS = 0.3;

/**
 * What has to be hidden in every frame of a clip so that no missed frame leaks: boxes grow in space by a margin; between two
 * sightings of a track they go from one to the other and grow with the time to the nearer one; before the first and after the last
 * sighting they stay for a while, and through frames that were not analysed, over where they are and where they would have been. `tracks`: the rows of `paths` to hide.
 * `analysed`: whether a frame was looked at; others interrupt nothing.
 */
export function planCovers(
	paths: TrackPaths,
	tracks: Iterable<number>,
	clip: ClipTimes,
	analysed: (frameIndex: number) => boolean,
	options: CoverOptions,
): { covers: Covers; interruptions: Interruption[] } {
	const perFrame: Box[][] = Array.from({ length: clip.frameIndices.length }, () => []);
	const interruptions: Interruption[] = [];
	for (const track of tracks)
		coverTrack(new Sightings(paths, track), clip, analysed, options, perFrame, interruptions);
	const offsets = new Uint32Array(perFrame.length + 1);
	perFrame.forEach((boxes, i) => (offsets[i + 1] = offsets[i]! + boxes.length));
	interruptions.sort((a, b) => a.fromFrame - b.fromFrame || a.identity - b.identity);
	return { covers: { offsets, boxes: perFrame.flat() }, interruptions };
}

function coverTrack(
	seen: Sightings,
	clip: ClipTimes,
	analysed: (frameIndex: number) => boolean,
	{ margin, lead, pictureSize }: CoverOptions,
	perFrame: Box[][],
	interruptions: Interruption[],
): void {
	const { frameIndices, timesSeconds } = clip;
	const last = seen.count - 1;
	const interrupted = (what: Interruption['what'], from: number, to: number) => {
		const missed = Array.from(frameIndices.subarray(from, to)).filter(analysed);
		if (missed.length === 0) return;
		interruptions.push({ identity: seen.identity, what, fromFrame: missed[0]!, toFrame: missed.at(-1)! });
	};
	const first = lowerBound(frameIndices, seen.frameOf(0));
	let at = Math.min(first, lowerBound(timesSeconds, seen.timeOf(0) - lead));
	// In frames that nobody looked at, they may have been there already.
	let unknown = first;
	while (unknown > 0 && !analysed(frameIndices[unknown - 1]!)) unknown--;
	at = Math.min(at, unknown);
	if (!atEdge(seen.boxOf(0), pictureSize)) interrupted('appeared', at, first);
	for (; at < first; at++) {
		const early = seen.timeOf(0) - timesSeconds[at]!;
		perFrame[at]!.push(
			hull(grown(seen.boxOf(0), margin + growth(early)), grown(moved(seen, 0, -early), margin)),
		);
	}
	for (let sighting = 0; sighting <= last && at < frameIndices.length; sighting++) {
		if (frameIndices[at] === seen.frameOf(sighting))
			perFrame[at++]!.push(grown(seen.boxOf(sighting), margin));
		if (sighting === last) break;
		const next = lowerBound(frameIndices, seen.frameOf(sighting + 1));
		if (next > at) interrupted('gap', at, next);
		const [start, end] = [seen.timeOf(sighting), seen.timeOf(sighting + 1)];
		for (; at < next; at++) {
			const time = timesSeconds[at]!;
			if (time < start) continue; // before the clip's part of this track
			const share = (time - start) / Math.max(1e-9, end - start);
			const between = mixed(seen.boxOf(sighting), seen.boxOf(sighting + 1), share);
			perFrame[at]!.push(grown(between, margin + growth(Math.min(time - start, end - time))));
		}
	}
	let until = Math.max(at, lowerBound(timesSeconds, seen.timeOf(last) + lead + 1e-9));
	unknown = at;
	while (unknown < frameIndices.length && !analysed(frameIndices[unknown]!)) unknown++;
	until = Math.max(until, unknown);
	if (!atEdge(seen.boxOf(last), pictureSize)) interrupted('vanished', at, until);
	for (; at < until; at++) {
		const late = timesSeconds[at]! - seen.timeOf(last);
		if (late <= 0) continue;
		perFrame[at]!.push(
			hull(grown(seen.boxOf(last), margin + growth(late)), grown(moved(seen, last, late), margin)),
		);
	}
}

/** The sightings of one track. */
class Sightings {
	readonly #paths: TrackPaths;
	readonly #from: number;
	readonly count: number;
	readonly identity: number;

	constructor(paths: TrackPaths, track: number) {
		this.#paths = paths;
		this.#from = paths.offsets[track]!;
		this.count = paths.offsets[track + 1]! - this.#from;
		this.identity = paths.identities[track]!;
	}

	frameOf(sighting: number): number {
		return this.#paths.frameIndices[this.#from + sighting]!;
	}

	timeOf(sighting: number): number {
		return this.#paths.timesSeconds[this.#from + sighting]!;
	}

	boxOf(sighting: number): Box {
		const b = this.#paths.boxesXyxy;
		const i = 4 * (this.#from + sighting);
		return [b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!];
	}
}

/** The box of the first or last sighting, moved on as it moved around it. */
function moved(seen: Sightings, sighting: number, seconds: number): Box {
	const step = sighting === 0 ? 1 : -1;
	let other = sighting;
	while (
		other + step >= 0 &&
		other + step < seen.count &&
		Math.abs(seen.timeOf(other) - seen.timeOf(sighting)) < VELOCITY_SECONDS
	)
		other += step;
	const box = seen.boxOf(sighting);
	const elapsed = seen.timeOf(other) - seen.timeOf(sighting);
	if (elapsed === 0) return box;
	const from = seen.boxOf(other);
	const speed = (side: number) => (from[side]! + from[side + 2]! - box[side]! - box[side + 2]!) / 2 / elapsed;
	const [dx, dy] = [speed(0) * seconds, speed(1) * seconds];
	return [box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy];
}

function growth(seconds: number): number {
	return Math.min(MOST_GROWTH, GROWTH_PER_SECOND * seconds);
}

function grown([left, top, right, bottom]: Box, share: number): Box {
	const [dx, dy] = [share * (right - left), share * (bottom - top)];
	return [left - dx, top - dy, right + dx, bottom + dy];
}

function mixed(a: Box, b: Box, share: number): Box {
	const mix = (side: 0 | 1 | 2 | 3) => a[side] + share * (b[side] - a[side]);
	return [mix(0), mix(1), mix(2), mix(3)];
}

function hull(a: Box, b: Box): Box {
	return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}

function atEdge([left, top, right, bottom]: Box, { width, height }: Size): boolean {
	const [x, y] = [EDGE * width, EDGE * height];
	return left <= x || top <= y || right >= width - x || bottom >= height - y;
}

/** The first place in an ascending list whose value is `value` or more. */
function lowerBound(values: Int32Array | Float64Array, value: number): number {
	return firstIndex(values.length, (i) => values[i]! >= value);
}

import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { COUNTING, countTracks } from '../main/counting/count-tracks.ts';
import type { EventTable } from '../main/counting/events.ts';
import { filterEvents } from '../main/counting/filter-events.ts';
import { allSteps } from '../main/domain/all-steps.ts';
import { boxIou } from '../main/domain/detections.ts';
import type { TrackPaths } from '../main/domain/track-paths.ts';
import type { Size } from '../main/domain/video.ts';
import { emptyZones } from '../main/domain/zone-geometry.ts';
import { anchorOf, type Point, type ZoneSet } from '../main/domain/zones.ts';
import type { StoredRun } from '../main/results/stored-run.ts';
import { pathsOfRun } from '../main/tracking/run-paths.ts';
import { RunIdentities } from '../main/tracking/run-tracks.ts';
import { recordRun } from './pipeline.ts';

/** Two sides may see the same passage this much apart. */
const TOLERANCE_SECONDS = 1;

export type CountRow = {
	/** Such as `line 2 forwards`, `zone 1 entered`. */
	place: string;
	truth: number;
	counted: number;
};

export type Miss = {
	place: string;
	/** Counted though the truth has nothing, or the other way round. */
	kind: 'missed' | 'extra';
	frame: number;
	/** Of the truth, where it was missed; else of the run. */
	identity: number;
	reason: string;
};

export type CountTable = { rows: CountRow[]; misses: Miss[]; truth: number; counted: number };

/** Records a run in the default mode and counts it and its ground truth; see `compareCounts`. */
export async function benchCounts(options: {
	videoPath: string;
	modelPath: string;
	threads: number;
	truthPath: string;
}): Promise<CountTable> {
	const { run, folder } = await recordRun({
		...options,
		configuration: { label: 'default', mode: 'token-cache', settings: {} },
	});
	try {
		return compareCounts(run, options.truthPath);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** Counts a run and its ground truth at the same zones and lines, and pairs what was counted. */
export function compareCounts(run: StoredRun, truthPath: string): CountTable {
	const truth = readTruth(truthPath, run);
	const zoneSet = shapesFor(truth, run.header.video.displaySize);
	const person = run.header.model.classes.indexOf('person');
	const paths = ofClass(pathsOf(run), person);
	// Annotated boxes do not tremble: they are counted as they are.
	const expected = countTracks(truth, zoneSet, { ...COUNTING, smoothSeconds: 0 }).events;
	const found = countTracks(paths, zoneSet).events;
	const rows: CountRow[] = [];
	const misses: Miss[] = [];
	for (const { place, filter } of placesOf(zoneSet)) {
		const [ofTruth, ofRun] = [filterEvents(expected, filter), filterEvents(found, filter)];
		rows.push({ place, truth: ofTruth.length, counted: ofRun.length });
		const { missed, extra } = pair(expected, ofTruth, found, ofRun);
		misses.push(
			...missed.map((row) => ({
				place,
				kind: 'missed' as const,
				frame: expected.frameIndices[row]!,
				identity: expected.identities[row]!,
				reason: whyMissed(truth, expected, row, paths),
			})),
			...extra.map((row) => ({
				place,
				kind: 'extra' as const,
				frame: found.frameIndices[row]!,
				identity: found.identities[row]!,
				reason: whyExtra(paths, found, row, truth),
			})),
		);
	}
	const sum = (side: 'truth' | 'counted') => rows.reduce((total, row) => total + row[side], 0);
	return { rows, misses, truth: sum('truth'), counted: sum('counted') };
}

export function describeCounts({ rows, misses, truth, counted }: CountTable): string[] {
	const off = (100 * (counted - truth)) / truth;
	return [
		...rows.map(
			({ place, truth, counted }) =>
				`${place.padEnd(18)} ${String(truth).padStart(4)} in truth ${String(counted).padStart(4)} counted`,
		),
		`${'all'.padEnd(18)} ${String(truth).padStart(4)} in truth ${String(counted).padStart(4)} counted, off by ${off.toFixed(1)} %; ` +
			`${misses.filter(({ kind }) => kind === 'missed').length} missed, ${misses.filter(({ kind }) => kind === 'extra').length} extra`,
		...misses.map(
			({ place, kind, frame, identity, reason }) =>
				`  ${kind} at ${place}, frame ${frame}, #${identity}: ${reason}`,
		),
	];
}

function placesOf({ zones, lines }: ZoneSet) {
	return [
		...lines.flatMap(({ name }, i) =>
			([1, -1] as const).map((direction) => ({
				place: `${name} ${direction === 1 ? 'forwards' : 'backwards'}`,
				filter: { kinds: ['crossed'] as const, places: [zones.length + i], direction },
			})),
		),
		...zones.map(({ name }, i) => ({
			place: `${name} entered`,
			filter: { kinds: ['entered'] as const, places: [i] },
		})),
	];
}

/**
 * Six lines and four zones, by the anchors of the truth alone: two upright lines and two level ones at thirds of all anchors, two
 * slanted ones through the middle, and a rectangle in each quarter.
 */
function shapesFor(truth: TrackPaths, pictureSize: Size): ZoneSet {
	const anchors = Array.from(truth.scores, (_, i) => anchorAt(truth, i));
	const xs = anchors.map(([x]) => x).sort((a, b) => a - b);
	const ys = anchors.map(([, y]) => y).sort((a, b) => a - b);
	const at = (across: number, down: number): Point => [
		xs[Math.floor(across * (xs.length - 1))]!,
		ys[Math.floor(down * (ys.length - 1))]!,
	];
	const line = (i: number, from: Point, to: Point) => ({ id: `line-${i}`, name: `line ${i}`, from, to });
	const zone = (i: number, left: number, top: number) => ({
		id: `zone-${i}`,
		name: `zone ${i}`,
		points: [at(left, top), at(left + 0.35, top), at(left + 0.35, top + 0.35), at(left, top + 0.35)],
	});
	return {
		...emptyZones(pictureSize),
		lines: [
			line(1, at(0.33, 0.02), at(0.33, 0.98)),
			line(2, at(0.67, 0.02), at(0.67, 0.98)),
			line(3, at(0.02, 0.33), at(0.98, 0.33)),
			line(4, at(0.02, 0.67), at(0.98, 0.67)),
			line(5, at(0.1, 0.1), at(0.9, 0.9)),
			line(6, at(0.1, 0.9), at(0.9, 0.1)),
		],
		zones: [zone(1, 0.1, 0.1), zone(2, 0.55, 0.1), zone(3, 0.1, 0.55), zone(4, 0.55, 0.55)],
	};
}

/** A MOTChallenge text with identities; of the frames that the run has, with its times. */
function readTruth(path: string, { frames }: StoredRun): TrackPaths {
	const times = new Map(Array.from(frames.frameIndex, (frame, p) => [frame, frames.timeSeconds[p]!]));
	const rows = readFileSync(path, 'utf8')
		.split('\n')
		.filter((line) => line.trim() !== '')
		.map((line) => line.split(',').map(Number) as [number, number, number, number, number, number])
		.filter(([frame]) => times.has(frame - 1))
		.sort((a, b) => a[1] - b[1] || a[0] - b[0]);
	const identities = [...new Set(rows.map(([, id]) => id))];
	const offsets = identities.map((id) => rows.findIndex((row) => row[1] === id));
	return {
		identities: Int32Array.from(identities),
		classIndices: new Uint16Array(identities.length),
		offsets: Uint32Array.from([...offsets, rows.length]),
		frameIndices: Int32Array.from(rows, ([frame]) => frame - 1),
		timesSeconds: Float64Array.from(rows, ([frame]) => times.get(frame - 1)!),
		boxesXyxy: Float32Array.from(
			rows.flatMap(([, , left, top, width, height]) => [left, top, left + width, top + height]),
		),
		scores: new Float32Array(rows.length).fill(1),
	};
}

function pathsOf(run: StoredRun): TrackPaths {
	const identities = new RunIdentities(run.header.displayThresholds);
	allSteps(identities.follow(run));
	return allSteps(pathsOfRun(run, identities));
}

function ofClass(paths: TrackPaths, classIndex: number): TrackPaths {
	const tracks = Array.from(paths.identities.keys()).filter((t) => paths.classIndices[t] === classIndex);
	const rows = tracks.flatMap((t) => range(paths.offsets[t]!, paths.offsets[t + 1]!));
	let end = 0;
	return {
		identities: Int32Array.from(tracks, (t) => paths.identities[t]!),
		classIndices: Uint16Array.from(tracks, () => classIndex),
		offsets: Uint32Array.from([0, ...tracks.map((t) => (end += paths.offsets[t + 1]! - paths.offsets[t]!))]),
		frameIndices: Int32Array.from(rows, (i) => paths.frameIndices[i]!),
		timesSeconds: Float64Array.from(rows, (i) => paths.timesSeconds[i]!),
		boxesXyxy: Float32Array.from(rows.flatMap((i) => [...paths.boxesXyxy.subarray(4 * i, 4 * i + 4)])),
		scores: Float32Array.from(rows, (i) => paths.scores[i]!),
	};
}

function range(from: number, to: number): number[] {
	return Array.from({ length: to - from }, (_, i) => from + i);
}

function anchorAt({ boxesXyxy: b }: TrackPaths, i: number): Point {
	return anchorOf([b[4 * i]!, b[4 * i + 1]!, b[4 * i + 2]!, b[4 * i + 3]!], 'bottom');
}

/** Events of one kind and place: each of the truth with the nearest of the run within the tolerance, nearest pairs first. */
function pair(expected: EventTable, ofTruth: Uint32Array, found: EventTable, ofRun: Uint32Array) {
	const pairs = [...ofTruth].flatMap((t) =>
		[...ofRun].map((r) => ({ t, r, apart: Math.abs(expected.timesSeconds[t]! - found.timesSeconds[r]!) })),
	);
	const [takenTruth, takenRun] = [new Set<number>(), new Set<number>()];
	for (const { t, r, apart } of pairs.sort((a, b) => a.apart - b.apart)) {
		if (apart > TOLERANCE_SECONDS || takenTruth.has(t) || takenRun.has(r)) continue;
		takenTruth.add(t);
		takenRun.add(r);
	}
	return {
		missed: [...ofTruth].filter((t) => !takenTruth.has(t)),
		extra: [...ofRun].filter((r) => !takenRun.has(r)),
	};
}

/** Frames around an event that reasons are looked for in. */
const NEAR_FRAMES = 12;
const SAME_OBJECT = 0.4;

function whyMissed(truth: TrackPaths, expected: EventTable, row: number, paths: TrackPaths): string {
	const seen = followersOf(truth, expected.tracks[row]!, expected.frameIndices[row]!, paths);
	const identities = [...new Set(seen.map(({ identity }) => identity))];
	if (seen.length === 0) return 'its object is in no box of the run then';
	const offset = seen.reduce((sum, { down }) => sum + down, 0) / seen.length;
	const gaps = 2 * NEAR_FRAMES + 1 - seen.length;
	const anchor = `anchors ${Math.abs(offset).toFixed(0)} px ${offset > 0 ? 'below' : 'above'} the truth's`;
	return `followed as #${identities.join(', then #')} in all but ${gaps} of ${2 * NEAR_FRAMES + 1} frames around, ${anchor}`;
}

function whyExtra(paths: TrackPaths, found: EventTable, row: number, truth: TrackPaths): string {
	const seen = followersOf(paths, found.tracks[row]!, found.frameIndices[row]!, truth);
	const identities = [...new Set(seen.map(({ identity }) => identity))];
	if (seen.length === 0) return 'no object of the truth is there';
	const offset = -seen.reduce((sum, { down }) => sum + down, 0) / seen.length;
	const anchor = `anchors ${Math.abs(offset).toFixed(0)} px ${offset > 0 ? 'below' : 'above'} the truth's`;
	return identities.length === 1
		? `it is #${identities[0]} of the truth all along, ${anchor}`
		: `it goes over from #${identities.join(' to #')} of the truth, ${anchor}`;
}

/** In the frames around an event of a track, who of the other side has a box on its boxes, and by how much its anchors lie lower. */
function followersOf(own: TrackPaths, track: number, frame: number, others: TrackPaths) {
	const seen: { identity: number; down: number }[] = [];
	for (let i = own.offsets[track]!; i < own.offsets[track + 1]!; i++) {
		if (Math.abs(own.frameIndices[i]! - frame) > NEAR_FRAMES) continue;
		let best = { identity: 0, down: 0, overlap: SAME_OBJECT };
		for (let t = 0; t < others.identities.length; t++) {
			const j = sightingIn(others, t, own.frameIndices[i]!);
			if (j < 0) continue;
			const overlap = boxIou(own.boxesXyxy, i, others.boxesXyxy, j);
			if (overlap < best.overlap) continue;
			best = { identity: others.identities[t]!, down: anchorAt(others, j)[1] - anchorAt(own, i)[1], overlap };
		}
		if (best.identity !== 0) seen.push(best);
	}
	return seen;
}

function sightingIn(paths: TrackPaths, track: number, frame: number): number {
	for (let i = paths.offsets[track]!; i < paths.offsets[track + 1]!; i++) {
		if (paths.frameIndices[i] === frame) return i;
	}
	return -1;
}

import type { TrackPaths } from '../../domain/track-paths.ts';
import type { Size } from '../../domain/video.ts';
import type { StoredRun } from '../../results/stored-run.ts';
import { pathsOfRun } from '../../tracking/run-paths.ts';
import type { RunIdentities } from '../../tracking/run-tracks.ts';
import { identitiesOfRun, inTurnsUnlessCancelled } from '../identities.ts';
import { planCovers, type Box, type ClipTimes, type Interruption } from './covers.ts';
import { hiddenClasses, hiddenTracks, type Whom } from './who.ts';

export type RedactionChoice = {
	whom: Whom;
	/** Numbers of objects as a setting of kind `numbers` has them. */
	also: string;
	except: string;
	/** As in `CoverOptions`. */
	margin: number;
	lead: number;
	/** Boxes that belong to nobody who is followed are hidden from this score on, 0 to 1. */
	leastScore: number;
	pictureSize: Size;
};

export type RedactionPlan = {
	/** What is hidden in frame i of the clip. */
	boxesAt(i: number): readonly Box[];
	/** Objects that are hidden, with the frames they were seen in. */
	hidden: { identity: number; class: string; firstFrame: number; lastFrame: number; sightings: number }[];
	/** Numbers of objects of the chosen kind that stay visible. */
	spared: number[];
	interruptions: (Interruption & { class: string })[];
};

/** Decides before a frame is decoded what is hidden in every frame of the clip. Rejects with `cancelled` when `signal` is aborted. */
export async function planRedaction(
	run: StoredRun,
	clip: ClipTimes,
	choice: RedactionChoice,
	signal: AbortSignal | undefined,
): Promise<RedactionPlan> {
	const identities = await identitiesOfRun(run, signal);
	const paths = await inTurnsUnlessCancelled(pathsOfRun(run, identities), signal);
	const { classes } = run.header.model;
	const ofClass = hiddenClasses(classes, choice.whom);
	const analysed = (frame: number) => run.positionOfFrame(frame) >= 0;
	const rows = hiddenTracks(paths, ofClass, choice);
	const followed = planCovers(paths, rows, clip, analysed, choice);
	const loose = looseSightings(run, identities, ofClass, choice.leastScore);
	const others = planCovers(loose, loose.identities.keys(), clip, analysed, choice);
	const className = (track: number) => classes[paths.classIndices[track]!]!;
	const classOf = new Map(rows.map((track) => [paths.identities[track]!, className(track)]));
	const hidden = new Set(rows);
	return {
		boxesAt: (i) =>
			[followed.covers, others.covers].flatMap(({ offsets, boxes }) =>
				boxes.slice(offsets[i], offsets[i + 1]),
			),
		hidden: rows.map((track) => ({
			identity: paths.identities[track]!,
			class: className(track),
			firstFrame: paths.frameIndices[paths.offsets[track]!]!,
			lastFrame: paths.frameIndices[paths.offsets[track + 1]! - 1]!,
			sightings: paths.offsets[track + 1]! - paths.offsets[track]!,
		})),
		spared: [...paths.identities.keys()]
			.filter((track) => !hidden.has(track) && ofClass[paths.classIndices[track]!])
			.map((track) => paths.identities[track]!),
		interruptions: followed.interruptions.map((one) => ({ ...one, class: classOf.get(one.identity)! })),
	};
}

/** Boxes of nobody who is followed, each as a path of one sighting. */
function looseSightings(
	run: StoredRun,
	identities: RunIdentities,
	ofClass: readonly boolean[],
	leastScore: number,
): TrackPaths {
	const found: { row: number; i: number; box: Box; classIndex: number; score: number }[] = [];
	const countOf = (row: number) => run.frames.detectionCount[row]!;
	for (let row = 0; row < run.frameCount; row++) {
		const detections = run.detections(row);
		const owners = identities.ofFrames(row, row + 1, countOf).identities;
		for (let i = 0; i < detections.count; i++) {
			const classIndex = detections.classIndices[i]!;
			const score = detections.scores[i]!;
			if (owners[i] || score < leastScore || !ofClass[classIndex]) continue;
			found.push({ row, i, box: detections.box(i), classIndex, score });
		}
	}
	const { frameIndex, timeSeconds } = run.frames;
	return {
		identities: new Int32Array(found.length),
		classIndices: Uint16Array.from(found, ({ classIndex }) => classIndex),
		offsets: Uint32Array.from({ length: found.length + 1 }, (_, i) => i),
		frameIndices: Int32Array.from(found, ({ row }) => frameIndex[row]!),
		timesSeconds: Float64Array.from(found, ({ row }) => timeSeconds[row]!),
		boxesXyxy: Float32Array.from(found.flatMap(({ box }) => box)),
		scores: Float32Array.from(found, ({ score }) => score),
	};
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';

import { allSteps } from '../main/domain/all-steps.ts';
import { openRun, type StoredRun } from '../main/results/stored-run.ts';
import { RunIdentities } from '../main/tracking/run-tracks.ts';
import { PYTHON, skippedFor, type Skipped } from './python.ts';

/** Identity and left, top, right, bottom in pixels. */
type Box = [identity: number, number, number, number, number];

/** Shares, 0 to 1, but for counts. */
export type TrackScores = {
	hota: number;
	idf1: number;
	mota: number;
	/** How often a person got another number. */
	switches: number;
	tracks: number;
	people: number;
	version: string;
};

export type TracksResult = { followMs: number; scores: TrackScores | Skipped };

/** Follows the persons of a stored run and holds their tracks against MOT ground truth with TrackEval, which is Python's. */
export async function benchTracks(options: {
	runPath: string;
	truthPath: string;
	script: string;
}): Promise<TracksResult> {
	return scoreTracks(await openRun(options.runPath), options);
}

/** As `benchTracks`; without `followsCamera` as if nobody knew that the camera moved. */
export async function scoreTracks(
	run: StoredRun,
	{ truthPath, script, followsCamera = true }: { truthPath: string; script: string; followsCamera?: boolean },
): Promise<TracksResult> {
	const identities = new RunIdentities(run.header.displayThresholds);
	const since = performance.now();
	const { frameCount, header, frames } = run;
	const camera = followsCamera ? frames.camera : null;
	const viewDetections = (position: number) => run.viewDetections(position);
	allSteps(identities.follow({ frameCount, header, frames: { ...frames, camera }, viewDetections }));
	const followMs = performance.now() - since;
	const input = { truth: truthOf(truthPath, run), tracks: tracksOf(run, identities) };
	const scores = await trackEval(script, input).catch((error: unknown) =>
		skippedFor(error, 'score tracks with trackeval'),
	);
	return { followMs, scores };
}

export function describeTracks({ followMs, scores }: TracksResult): string {
	if ('skipped' in scores) return `skipped: ${scores.skipped}`;
	const percent = (share: number) => (100 * share).toFixed(1);
	const { hota, idf1, mota, switches, tracks, people, version } = scores;
	return (
		`HOTA ${percent(hota)}  IDF1 ${percent(idf1)}  MOTA ${percent(mota)}  ${switches} switches, ${tracks} tracks of ${people} people ` +
		`(trackeval ${version}); followed in ${followMs.toFixed(0)} ms`
	);
}

async function trackEval(script: string, input: object): Promise<TrackScores> {
	const python = spawn(PYTHON, [script], { stdio: ['pipe', 'pipe', 'pipe'] });
	python.stdin.on('error', () => undefined); // its end says why
	python.stdin.end(JSON.stringify(input));
	const [printed, complaints, ended] = await Promise.all([
		text(python.stdout),
		text(python.stderr),
		once(python, 'close'),
	]);
	if (ended[0] !== 0) throw new Error(complaints);
	return JSON.parse(printed.trim().split('\n').at(-1)!) as TrackScores;
}

/** By position in the run. Rows whose seventh column is 0 are not to be counted. */
function truthOf(path: string, { frames: { frameIndex } }: StoredRun): Box[][] {
	const byFrame = new Map<number, Box[]>();
	for (const line of readFileSync(path, 'utf8').split('\n')) {
		const [frame, identity, left, top, width, height, counts = 1] = line.split(',').map(Number);
		if (!line.trim() || counts === 0) continue;
		const boxes = byFrame.get(frame! - 1) ?? [];
		boxes.push([identity!, left!, top!, left! + width!, top! + height!]);
		byFrame.set(frame! - 1, boxes);
	}
	return Array.from(frameIndex, (frame) => byFrame.get(frame) ?? []);
}

function tracksOf(run: StoredRun, followed: RunIdentities): Box[][] {
	const person = run.header.model.classes.indexOf('person');
	const countOf = (position: number) => run.frames.detectionCount[position]!;
	return Array.from({ length: run.frameCount }, (_, position) => {
		const detections = run.viewDetections(position);
		const { identities } = followed.ofFrames(position, position + 1, countOf);
		return Array.from(identities, (identity, i): Box => [identity, ...detections.box(i)]).filter(
			([identity], i) => identity > 0 && detections.classIndices[i] === person,
		);
	});
}

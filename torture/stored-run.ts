import { join } from 'node:path';
import { allSteps } from '../main/domain/all-steps.ts';
import { recordSample } from '../main/results/endless-run.fixture.ts';
import { openRun } from '../main/results/stored-run.ts';
import { keepIdentities, objectsFound } from '../main/tracking/kept-tracks.ts';
import { pathsOfRun } from '../main/tracking/run-paths.ts';
import { RunIdentities } from '../main/tracking/run-tracks.ts';

const RUN_FRAMES = 200;

/** A run of made-up frames that was interrupted, with a snapshot; returns its folder, below `folder`. */
export async function storedRun(folder: string): Promise<string> {
	const run = join(folder, 'run');
	const writer = await recordSample(run, RUN_FRAMES, 90);
	const state = { memory: Float64Array.of(1) };
	await writer.close('cancelled', { decode: null, error: null, wallSeconds: 1, state });
	return run;
}

/** Follows a run and keeps all that is derived from it beside it, also of a short one. */
export async function deriveFrom(folder: string): Promise<void> {
	const run = await openRun(folder);
	await run.keepColumns(0);
	const identities = new RunIdentities(run.header.displayThresholds);
	allSteps(identities.follow(run));
	await keepIdentities(run, identities, 0);
}

/** All that is told of a run out of what is derived from it, where that is there. */
export async function toldOf(folder: string) {
	const run = await openRun(folder);
	const identities = await objectsFound(run);
	return {
		macs: Array.from(run.results(), ({ cost }) => cost.macs),
		shown: [...allSteps(run.countsReaching(run.header.displayThresholds))],
		summary: run.summary(),
		spans: [...identities.tracks().spans],
		paths: [...allSteps(pathsOfRun(run, identities)).boxesXyxy],
	};
}

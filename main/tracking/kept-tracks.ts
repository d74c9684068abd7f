import { keepDerived, LEAST_FRAMES, readDerived } from '../results/derived-file.ts';
import { inTurns } from '../results/in-turns.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { RULES_VERSION, RunIdentities } from './run-tracks.ts';

// To follow the objects of a million frames takes some seconds. What was found in a run that has ended is kept beside it; edits are
// applied afterwards and are not in it.

/**
 * All objects of a run, as they were kept or as they are found; edits are not applied. Rejects with the signal's reason once it is
 * aborted.
 */
export async function objectsFound(run: StoredRun, signal?: AbortSignal): Promise<RunIdentities> {
	const identities = new RunIdentities(run.header.displayThresholds);
	await restoreIdentities(run, identities);
	await inTurns(identities.follow(run), signal);
	return identities;
}

/** Gives `identities`, which have followed nothing yet, what was kept of the run as it is, if anything was. */
export async function restoreIdentities(run: StoredRun, identities: RunIdentities): Promise<void> {
	if (run.stamp === null) return;
	const arrays = await readDerived(run.folder, 'tracks', sourceOf(run, run.stamp));
	if (arrays) identities.restore(arrays, run.frames.frameIndex);
}

/** Keeps what was found in a long run that has ended, unless it was kept already, if it can be written. */
export async function keepIdentities(
	run: StoredRun,
	identities: RunIdentities,
	leastFrames = LEAST_FRAMES,
): Promise<void> {
	if (run.stamp === null || run.frameCount < leastFrames) return;
	if (identities.known < run.frameCount || identities.isRestored) return;
	await keepDerived(run.folder, 'tracks', sourceOf(run, run.stamp), identities.toArrays());
}

function sourceOf({ header }: StoredRun, stamp: string) {
	return {
		format: 'sparsight-tracks-1',
		of: stamp,
		rules: String(RULES_VERSION),
		displayThresholds: JSON.stringify(header.displayThresholds),
		displaySize: JSON.stringify(header.video.displaySize),
	};
}

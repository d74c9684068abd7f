import { keepDerived, LEAST_FRAMES, readDerived } from '../results/derived-file.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { RULES_VERSION, type RunIdentities } from './run-tracks.ts';

// To follow the objects of a million frames takes some seconds. What was found in a run that has ended is kept beside it; edits are
// applied afterwards and are not in it.

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

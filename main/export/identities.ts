import { UserFacingError } from '../domain/errors.ts';
import type { SettingSpec } from '../domain/settings-table.ts';
import type { TrackNames } from '../domain/track-labels.ts';
import { inTurns } from '../results/in-turns.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { objectsFound } from '../tracking/kept-tracks.ts';
import { readTrackEdits } from '../tracking/stored-edits.ts';
import type { RunIdentities } from '../tracking/run-tracks.ts';

export const IDENTITIES = {
	kind: 'boolean',
	default: true,
	description: 'Numbers the objects that are followed from frame to frame.',
} as const satisfies SettingSpec;

/** The identities of a row's detections, in their order (best score first); 0 for none. */
export type IdentitiesOfRow = (row: number) => Int32Array;

export type FollowedRun = {
	identitiesOf: IdentitiesOfRow;
	names: TrackNames;
	/** How many objects there are. */
	count: number;
};

/**
 * Follows the objects of the whole run, whatever part of it is exported, so that an object has the same number in every
 * export and on the page, after what a person changed of the tracks. All identities are 0 if they are not `wanted`.
 */
export async function followRun(
	run: StoredRun,
	wanted: boolean,
	signal: AbortSignal | undefined,
): Promise<FollowedRun> {
	const countOf = (row: number) => run.frames.detectionCount[row]!;
	if (!wanted) return { identitiesOf: (row) => new Int32Array(countOf(row)), names: new Map(), count: 0 };
	const identities = await identitiesOfRun(run, signal);
	const tracks = identities.tracks();
	return {
		identitiesOf: (row) => identities.ofFrames(row, row + 1, countOf).identities,
		names: new Map(tracks.names),
		count: tracks.identities.length,
	};
}

/** All objects of a run, under the edits that are stored. Throws `cancelled`. */
export async function identitiesOfRun(
	run: StoredRun,
	signal: AbortSignal | undefined,
): Promise<RunIdentities> {
	const edits = await readTrackEdits(run.folder);
	const identities = await unlessCancelled(objectsFound(run, signal), signal);
	identities.edit(edits);
	return identities;
}

/** As `inTurns`; throws `cancelled`. */
export function inTurnsUnlessCancelled<Result>(
	steps: Generator<void, Result>,
	signal: AbortSignal | undefined,
): Promise<Result> {
	return unlessCancelled(inTurns(steps, signal), signal);
}

async function unlessCancelled<Result>(
	work: Promise<Result>,
	signal: AbortSignal | undefined,
): Promise<Result> {
	try {
		return await work;
	} catch (error) {
		if (!signal?.aborted) throw error;
		throw new UserFacingError('cancelled', 'The export was cancelled; nothing was left behind.');
	}
}

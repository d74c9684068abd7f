import { z } from 'zod';
import { UserFacingError } from '../domain/errors.ts';
import type { TrackEdit } from './track-edits.ts';

/** Counts how often the tracker came to give the same boxes other numbers: edits name tracks by these. */
const TRACKER_EDITION = 2;

/** More were not made by hand. */
const MOST_EDITS = 2000;

/** Characters that a name has at most. */
export const LONGEST_NAME = 120;

const track = z.number().int().min(1).max(2_147_483_647);
const frame = z.number().int().min(0);
const name = z
	.string()
	.trim()
	.max(LONGEST_NAME)
	.refine((text) => !/\p{Cc}/u.test(text), 'must be one line of text');

/** A list of edits, as it is stored and as the page sends it. */
export const trackEditsSchema = z
	.array(
		z.discriminatedUnion('kind', [
			z.strictObject({ kind: z.literal('split'), track, frame }),
			z.strictObject({ kind: z.literal('join'), tracks: z.array(track).min(2).max(1000) }),
			z.strictObject({ kind: z.literal('rename'), track, name }),
			z.strictObject({ kind: z.literal('hide'), track }),
		]),
	)
	.max(MOST_EDITS) satisfies z.ZodType<TrackEdit[]>;

const fileSchema = z.strictObject({
	format: z.literal('sparsight-track-edits'),
	version: z.literal(1),
	tracker: z.number().int(),
	edits: trackEditsSchema,
});

/** Edits out of a file's text. `place` names it in messages. Throws `edits-unreadable`. */
export function parseTrackEdits(text: string, place: string): TrackEdit[] {
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch (error) {
		throw unreadable(`${place}: edits of tracks as JSON were expected (got ${(error as Error).message}).`);
	}
	const parsed = fileSchema.safeParse(json);
	if (!parsed.success) {
		const { path, message } = parsed.error.issues[0]!;
		throw unreadable(
			`${place}: ${path.map(String).join('.') || 'the file'} is not as edits of tracks have it (${message}).`,
		);
	}
	const { tracker, edits } = parsed.data;
	if (tracker === TRACKER_EDITION) return edits;
	throw unreadable(
		`${place}: edits of tracks that are numbered as now (edition ${TRACKER_EDITION}) were expected (got edition ${tracker}).`,
		'Tracks were followed in another way when these edits were made: move the file away and make them anew.',
	);
}

export function trackEditsToText(edits: readonly TrackEdit[]): string {
	const file = { format: 'sparsight-track-edits', version: 1, tracker: TRACKER_EDITION, edits };
	return `${JSON.stringify(file, null, '\t')}\n`;
}

function unreadable(
	message: string,
	remedy = 'Move the file away and make the edits anew.',
): UserFacingError {
	return new UserFacingError('edits-unreadable', message, { remedy });
}

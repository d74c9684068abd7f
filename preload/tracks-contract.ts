import { z } from 'zod';
import { trackEditsSchema } from '../main/tracking/edits-file.ts';
import type { TrackEdit } from '../main/tracking/track-edits.ts';

const id = z.string().regex(/^[a-z0-9-]{1,64}$/);

/** Requests about what a person changed of the tracks of a run. */
export const trackRequestSchemas = {
	'tracks.edits': z.strictObject({ runId: id }),
	/** Replaces all edits; undo is the list without the last one. Refused (`edit-refused`) where one of them makes no sense. */
	'tracks.edit': z.strictObject({ runId: id, edits: trackEditsSchema }),
} as const;

export type TrackAnswers = {
	'tracks.edits': TrackEdit[];
	'tracks.edit': null;
};

import { z } from 'zod';
import { trackEditsSchema } from '../main/tracking/edits-file.ts';
import type { BestSightings } from '../main/counting/best-sightings.ts';
import { ANCHORS } from '../main/domain/zones.ts';
import type { TrackEdit } from '../main/tracking/track-edits.ts';

const pixel = z.number().min(-1e6).max(1e6);
const id = z.string().regex(/^[a-z0-9-]{1,64}$/);

/** Whether followed objects are shown as rows or by their best pictures. */
export const TRACK_VIEWS = ['list', 'pictures'] as const;
/** What comes first among pictures: who was seen first, whom the model is surest of, who is largest, who was seen for the longest time. */
export const GALLERY_ORDERS = ['first', 'longest', 'score', 'size'] as const;
export type GalleryOrder = (typeof GALLERY_ORDERS)[number];

/** Requests about what a person changed of the tracks of a run. */
export const trackRequestSchemas = {
	'tracks.edits': z.strictObject({ runId: id }),
	/** Replaces all edits; undo is the list without the last one. Refused (`edit-refused`) where one of them makes no sense. */
	'tracks.edit': z.strictObject({ runId: id, edits: trackEditsSchema }),
	/** The best sighting of every object of a run, as far as it is stored: what the gallery shows. */
	'tracks.best': z.strictObject({ runId: id }),
	/** Who has been in a zone, by the anchor of their boxes. */
	'tracks.inZone': z.strictObject({
		runId: id,
		points: z
			.array(z.tuple([pixel, pixel]))
			.min(3)
			.max(1000),
		anchor: z.enum(ANCHORS),
	}),
} as const;

export type TrackAnswers = {
	'tracks.edits': TrackEdit[];
	'tracks.edit': null;
	'tracks.best': BestSightings;
	/** Their identities. */
	'tracks.inZone': Int32Array;
};

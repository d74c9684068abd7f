import { z } from 'zod';
import { EVENT_KINDS, type EventTable } from '../main/counting/events.ts';
import { zoneSetSchema } from '../main/counting/zone-file.ts';
import type { ZoneSet } from '../main/domain/zones.ts';

const id = z.string().regex(/^[a-z0-9-]{1,64}$/);
/** Its arrays may be read only, as those of the page are. */
const zoneSet: z.ZodType<ZoneSet> = zoneSetSchema;

const pixels = z.number().positive().max(100_000);

/** What a person looks for among the events of any video; null where it does not matter. */
export const eventWishSchema = z.strictObject({
	kind: z.enum(EVENT_KINDS).nullable(),
	/** By name: models number their classes differently. */
	className: z.string().max(200).nullable(),
	leastScore: z.number().min(0).max(1).nullable(),
	/** Heights of the box, in pixels of the video. */
	leastHeight: pixels.nullable(),
	mostHeight: pixels.nullable(),
	/** As in `CountingOptions`. */
	dwellSeconds: z.number().positive().max(1e6).nullable(),
	mostAtOnce: z.number().int().positive().max(100_000).nullable(),
});
export type EventWish = z.infer<typeof eventWishSchema>;

/** Requests about what happened in a run, at zones and lines and elsewhere. */
export const eventRequestSchemas = {
	/** All events of a run, as far as it is stored, at `zones`, which need not be the stored ones and may be none. */
	'events.list': z.strictObject({
		runId: id,
		zones: zoneSet,
		...eventWishSchema.pick({ dwellSeconds: true, mostAtOnce: true }).shape,
	}),
} as const;

/** The columns of an `EventTable` that the page searches and shows: all of them at once, so that a search needs no further request. */
export type ListedEvents = Omit<EventTable, 'sinceFrames' | 'tracks'>;

export type EventAnswers = {
	'events.list': ListedEvents;
};

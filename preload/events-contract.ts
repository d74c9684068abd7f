import { z } from 'zod';
import { EVENT_KINDS, type EventTable } from '../main/counting/events.ts';
import type { EventSearch } from '../main/counting/filter-events.ts';
import type { PresenceMap } from '../main/counting/presence.ts';
import { zoneSetSchema } from '../main/counting/zone-file.ts';
import { ANCHORS, type ZoneSet } from '../main/domain/zones.ts';

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

const indices = z
	.array(
		z
			.number()
			.int()
			.min(-1)
			.max(2 ** 31),
	)
	.max(10_000)
	.nullish();

/** As in `EventSearch`. */
export const eventSearchSchema: z.ZodType<EventSearch> = z.strictObject({
	...eventWishSchema.pick({ dwellSeconds: true, mostAtOnce: true }).shape,
	filter: z.strictObject({
		kinds: z.array(z.enum(EVENT_KINDS)).max(EVENT_KINDS.length).nullish(),
		classes: indices,
		places: indices,
		identities: indices,
		direction: z.union([z.literal(1), z.literal(-1)]).nullish(),
		leastScore: z.number().min(0).max(1).nullish(),
		fromSeconds: z.number().nullish(),
		toSeconds: z.number().nullish(),
		leastHeight: pixels.nullish(),
		mostHeight: pixels.nullish(),
	}),
}) as z.ZodType<EventSearch>;

/** Requests about what happened in a run, at zones and lines and elsewhere. */
export const eventRequestSchemas = {
	/** All events of a run, as far as it is stored, at `zones`, which need not be the stored ones and may be none. */
	'events.list': z.strictObject({
		runId: id,
		zones: zoneSet,
		...eventWishSchema.pick({ dwellSeconds: true, mostAtOnce: true }).shape,
	}),
	/** Where objects have been, by their anchors: all, or those of one class. */
	'events.presence': z.strictObject({
		runId: id,
		anchor: z.enum(ANCHORS),
		classIndex: z.number().int().min(0).nullable(),
	}),
} as const;

/** The columns of an `EventTable` that the page searches and shows: all of them at once, so that a search needs no further request. */
export type ListedEvents = Omit<EventTable, 'sinceFrames' | 'tracks'>;

export type EventAnswers = {
	'events.list': ListedEvents;
	'events.presence': PresenceMap;
};

import { z } from 'zod';
import { zoneSetSchema } from '../main/counting/zone-file.ts';
import type { EventTable } from '../main/counting/events.ts';
import type { Occupancy } from '../main/counting/occupancy.ts';
import type { Size } from '../main/domain/video.ts';
import type { ZoneSet } from '../main/domain/zones.ts';

const id = z.string().regex(/^[a-z0-9-]{1,64}$/);
/** Its arrays may be read only, as those of the page are. */
const zoneSet: z.ZodType<ZoneSet> = zoneSetSchema;
const templateName = z.string().trim().min(1).max(80);

/** Requests about zones and lines; what a person draws goes with the video. */
export const zoneRequestSchemas = {
	/** Null where nothing was drawn yet. */
	'zones.get': z.strictObject({ videoId: id }),
	'zones.set': z.strictObject({ videoId: id, zones: zoneSet }),
	/** What the objects of a run did at `zones`, which need not be the stored ones. */
	'zones.counts': z.strictObject({ runId: id, zones: zoneSet }),
	/** Reads a file of zones and fits it to the picture of a video. */
	'zones.read': z.strictObject({
		videoId: id,
		name: z.string().max(200),
		text: z.string().max(1_000_000),
	}),
	/** Desktop: asks where to write a file of zones. Web host: refused, the page writes it. */
	'zones.save': z.strictObject({ name: templateName, zones: zoneSet }),
	/** Names of the templates, sorted. */
	'templates.list': z.strictObject({}),
	/** A template of that name is replaced. */
	'templates.store': z.strictObject({ name: templateName, zones: zoneSet }),
	'templates.delete': z.strictObject({ name: templateName }),
	/** A template, fitted to the picture of a video. */
	'templates.use': z.strictObject({ name: templateName, videoId: id }),
} as const;

/** Zones that were drawn elsewhere, on the picture of a video. */
export type FittedZones = {
	zones: ZoneSet;
	/** The size that they were drawn on, where they were scaled. */
	scaledFrom: Size | null;
};

/** Events at zones and lines, in the order of time, and who was in the zones; see `EventTable`. */
export type ZoneCounts = {
	events: Pick<
		EventTable,
		| 'count'
		| 'kinds'
		| 'frameIndices'
		| 'timesSeconds'
		| 'identities'
		| 'classIndices'
		| 'places'
		| 'directions'
		| 'amounts'
	>;
	/** By zone. */
	occupancy: readonly Occupancy[];
};

export type ZoneAnswers = {
	'zones.get': ZoneSet | null;
	'zones.set': null;
	'zones.counts': ZoneCounts;
	'zones.read': FittedZones;
	'zones.save': { saved: boolean };
	'templates.list': string[];
	'templates.store': string[];
	'templates.delete': string[];
	'templates.use': FittedZones;
};

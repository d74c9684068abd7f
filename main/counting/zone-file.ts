import { z } from 'zod';
import { UserFacingError } from '../domain/errors.ts';
import type { Size } from '../domain/video.ts';
import { ANCHORS, placesOf, type Point, type ZoneSet } from '../domain/zones.ts';
import { zoneProblems, zoneProblemSentence } from './zone-problems.ts';

/** Zones, lines and corners that a file may have at most: beyond that, it was not drawn by a person. */
const MOST_SHAPES = 256;
const MOST_CORNERS = 512;

const pixels = z.number().min(-100_000).max(100_000);
const point = z.tuple([pixels, pixels]);
const id = z.string().regex(/^[a-z0-9-]{1,64}$/, 'must be of small letters, digits and hyphens');
/** On one line: tables, pictures and terminals show it. */
const name = z
	.string()
	.overwrite((text) => text.replace(/\p{Cc}+/gu, ' ').trim())
	.min(1)
	.max(120);
const side = z.number().positive().max(100_000);

/** A set of zones as it is stored and as the page sends it; what is drawn well is checked by `zoneProblems`. */
export const zoneSetSchema = z
	.strictObject({
		format: z.literal('sparsight-zones'),
		version: z.literal(1),
		pictureSize: z.strictObject({ width: side, height: side }),
		anchor: z.enum(ANCHORS),
		hysteresis: z.number().min(0).max(1),
		zones: z
			.array(z.strictObject({ id, name, points: z.array(point).min(3).max(MOST_CORNERS) }))
			.max(MOST_SHAPES),
		lines: z.array(z.strictObject({ id, name, from: point, to: point })).max(MOST_SHAPES),
	})
	.refine((set) => new Set(placesOf(set).map(({ id }) => id)).size === placesOf(set).length, {
		message: 'must have each id once among zones and lines',
	}) satisfies z.ZodType<ZoneSet>;

/**
 * Zones out of a file's text. `place` names it in messages. Throws `zones-unreadable` for what is no such file, and for zones and
 * lines that count nothing.
 */
export function parseZones(text: string, place: string): ZoneSet {
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch (error) {
		throw unreadable(`${place}: zones as JSON were expected (got ${(error as Error).message}).`);
	}
	const parsed = zoneSetSchema.safeParse(json);
	if (!parsed.success) {
		const { path, message } = parsed.error.issues[0]!;
		const field = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
		throw unreadable(
			`${place}: ${field.replace(/^\./, '') || 'the file'} is not as zones have it (${message}).`,
		);
	}
	const [problem] = zoneProblems(parsed.data);
	if (problem)
		throw new UserFacingError('zones-unreadable', `${place}: ${zoneProblemSentence(problem, 'en')}`);
	return parsed.data;
}

export function zonesToText(zones: ZoneSet): string {
	return `${JSON.stringify(zones, null, '\t')}\n`;
}

/** Sides of pictures are whole pixels: two of one shape may differ by this much in their ratios. */
const RATIO_TOLERANCE = 0.01;

/**
 * Zones that were drawn on a picture of another size, for one of `pictureSize`: `scale` is by how much they were enlarged, 1
 * where the sizes are the same. Throws `zones-unreadable` where the pictures have other shapes.
 */
export function fitZones(
	zones: ZoneSet,
	pictureSize: Size,
	place: string,
): { zones: ZoneSet; scale: number } {
	const drawnOn = zones.pictureSize;
	const across = pictureSize.width / drawnOn.width;
	const down = pictureSize.height / drawnOn.height;
	if (Math.abs(across / down - 1) > RATIO_TOLERANCE) {
		throw unreadable(
			`${place}: zones for a picture of ${sizeText(pictureSize)}, or of the same shape, were expected ` +
				`(these were drawn on ${sizeText(drawnOn)}).`,
			'Draw the zones anew on this picture, or take a template of its shape.',
		);
	}
	if (across === 1 && down === 1) return { zones, scale: 1 };
	const moved = ([x, y]: Point): Point => [x * across, y * down];
	return {
		zones: {
			...zones,
			pictureSize,
			zones: zones.zones.map((zone) => ({ ...zone, points: zone.points.map(moved) })),
			lines: zones.lines.map((line) => ({ ...line, from: moved(line.from), to: moved(line.to) })),
		},
		scale: across,
	};
}

/** What a person should know of zones that `fitZones` enlarged or shrank, as a sentence. */
export function scaledRemark(drawnOn: Size, pictureSize: Size, language: 'en' | 'ja'): string {
	return language === 'ja'
		? `${sizeText(drawnOn)} の画面に描かれたゾーンを ${sizeText(pictureSize)} に合わせました。`
		: `The zones were drawn on ${sizeText(drawnOn)} and are scaled to ${sizeText(pictureSize)}.`;
}

function sizeText({ width, height }: Size): string {
	return `${width}×${height}`;
}

function unreadable(
	message: string,
	remedy = 'Choose a file that Sparsight wrote, or write it as the README shows.',
): UserFacingError {
	return new UserFacingError('zones-unreadable', message, { remedy });
}

import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { cutOut, USUAL_MARGIN } from '../domain/cut-out.ts';
import type { Frame } from '../domain/frame.ts';
import type { Rect } from '../domain/overlay-geometry.ts';
import { resolveSettings, type SettingsTable } from '../domain/settings-table.ts';
import { identityLabel } from '../domain/track-labels.ts';
import type { Size } from '../domain/video.ts';
import { openVideoOf } from './clip-frames.ts';
import { fileName } from './clip-names.ts';
import { objectsAsCsv, wantedObjects, type ExportedObject } from './exported-objects.ts';
import type { ExportFormat, ExportRequest } from './format.ts';
import { contactSheet } from './objects-sheet.ts';
import { writePartialFirst } from './partial-file.ts';
import { pickedFrames } from './picked-frames.ts';
import { archiveOf } from './zip.ts';

const OBJECT_SETTINGS = {
	only: {
		kind: 'numbers',
		default: '',
		description: 'Only the objects with these numbers; none for all.',
	},
	margin: {
		kind: 'number',
		default: USUAL_MARGIN,
		min: 0,
		max: 2,
		step: 0.01,
		description: 'Shows this much around each object, of the longer side of its box.',
	},
} as const satisfies SettingsTable;

const JPEG_QUALITY = 90;
const SHEET_QUALITY = 75;
/** Of pictures on the sheet, in pixels. */
const SHEET_HEIGHT = 160;

/** A picture of every object at its best sighting, a table of them and a page that shows them all, in one archive. */
export const objects: ExportFormat = {
	id: 'objects',
	title: 'Pictures of objects',
	fileExtension: 'zip',
	description:
		'An archive with the best picture of every object that was followed, a table of them and a contact sheet.',
	settings: OBJECT_SETTINGS,
	async write(request) {
		const { runs, out, signal } = request;
		await writePartialFirst(out, [runs[0]!.header.video.path], (partial) =>
			pipeline(
				Readable.from(archiveOf(filesOf(request))),
				createWriteStream(partial),
				signal ? { signal } : {},
			),
		);
	},
};

async function* filesOf(request: ExportRequest) {
	const { runs, signal, onProgress } = request;
	const run = runs[0]!;
	const settings = resolveSettings(OBJECT_SETTINGS, request.settings, 'format objects');
	const told = await wantedObjects(run, request, settings.only);
	const { video } = await openVideoOf(run);
	const taken = new Set<string>();
	const byFrame = new Map<number, ExportedObject[]>();
	for (const one of told) byFrame.set(one.frame, [...(byFrame.get(one.frame) ?? []), one]);
	let done = 0;
	const { displaySize } = video;
	for await (const frame of pickedFrames(run, video, byFrame.keys(), displaySize, signal)) {
		for (const one of byFrame.get(frame.index)!) {
			const rect = cutOut(one.box, displaySize, { margin: settings.margin, aspect: null });
			const { picture, small } = await cut(frame, rect);
			const who = one.name ?? identityLabel(one.identity);
			const time = { timeSeconds: one.seconds, recordedAt: one.recordedAt ?? undefined };
			one.picture = `pictures/${fileName(run, time, [one.class, who], 'jpg', taken)}`;
			one.small = small;
			yield { name: one.picture, chunks: [picture] };
		}
		onProgress?.(++done, byFrame.size);
	}
	yield { name: 'objects.csv', chunks: inBytes(objectsAsCsv(told)) };
	yield { name: 'index.html', chunks: inBytes([contactSheet(run, told)]) };
}

/** A piece of a frame as JPEG, and small for the sheet. */
async function cut(
	{ pixels, size }: Frame,
	rect: Rect,
): Promise<{ picture: Buffer; small: { url: string; size: Size } }> {
	// A native canvas: loaded only if something is drawn.
	const { createCanvas, ImageData } = await import('@napi-rs/canvas');
	const rgba = new Uint8ClampedArray(4 * rect.width * rect.height);
	for (let row = 0; row < rect.height; row++) {
		const from = 4 * ((rect.y + row) * size.width + rect.x);
		rgba.set(pixels.subarray(from, from + 4 * rect.width), 4 * row * rect.width);
	}
	const canvas = createCanvas(rect.width, rect.height);
	canvas.getContext('2d').putImageData(new ImageData(rgba, rect.width, rect.height), 0, 0);
	const scale = Math.min(1, SHEET_HEIGHT / Math.max(rect.width, rect.height));
	const smallSize = {
		width: Math.max(1, Math.round(scale * rect.width)),
		height: Math.max(1, Math.round(scale * rect.height)),
	};
	const small = createCanvas(smallSize.width, smallSize.height);
	small.getContext('2d').drawImage(canvas, 0, 0, smallSize.width, smallSize.height);
	const webp = await small.encode('webp', SHEET_QUALITY);
	return {
		picture: await canvas.encode('jpeg', JPEG_QUALITY),
		small: { url: `data:image/webp;base64,${webp.toString('base64')}`, size: smallSize },
	};
}

function* inBytes(texts: Iterable<string>): Generator<Uint8Array> {
	const encoder = new TextEncoder();
	for (const text of texts) yield encoder.encode(text);
}

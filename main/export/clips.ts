import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UserFacingError } from '../domain/errors.ts';
import { resolveSettings, type SettingsTable, type ValuesOf } from '../domain/settings-table.ts';
import { readFrameTimes } from '../video/frame-times.ts';
import { H264_LONGEST_SIDE } from '../video/write-video.ts';
import { encodeClip } from './annotated-video.ts';
import { findClipFrames, openVideoOf, type ClipFrames } from './clip-frames.ts';
import { clipName, clipRange } from './clip-names.ts';
import { eventsAsCsv } from './counted-run.ts';
import { ENCODING_SETTINGS } from './encode-clip.ts';
import type { ExportFormat, ExportRequest } from './format.ts';
import { OVERLAY_SETTINGS } from './overlay-settings.ts';
import { writePartialFirst, writeText } from './partial-file.ts';
import { fitPaneSize, openScenes, paneSizeOf } from './scenes.ts';
import { LIMIT_SETTINGS, searchedEvents } from './searched-events.ts';
import { archiveOf } from './zip.ts';

export const CLIP_SETTINGS = {
	lead: {
		kind: 'number',
		default: 2,
		min: 0,
		max: 600,
		unit: 's',
		description: 'Begins every clip this long before its event.',
	},
	tail: {
		kind: 'number',
		default: 2,
		min: 0,
		max: 600,
		unit: 's',
		description: 'Ends every clip this long after its event.',
	},
	...LIMIT_SETTINGS,
	...OVERLAY_SETTINGS,
	heat: { ...OVERLAY_SETTINGS.heat, default: 'off' },
	strip: { ...OVERLAY_SETTINGS.strip, default: false },
	...ENCODING_SETTINGS,
} as const satisfies SettingsTable;

/** More clips than anybody looks through: a search that finds more is a mistake that would fill the disk. */
const MOST_CLIPS = 2000;
/** What an archive without the extension for large ones holds. */
const MOST_BYTES = 2 ** 32 - 2 ** 20;

/** A clip of each event, and a table of them, in one archive. */
export const clips: ExportFormat = {
	id: 'clips',
	title: 'Clips of events',
	fileExtension: 'zip',
	description: 'An archive of annotated clips, one for each event at zones and lines, with a table of them.',
	settings: CLIP_SETTINGS,
	readsZones: true,
	write: (request) =>
		writePartialFirst(request.out, [request.runs[0]!.header.video.path], (partial) =>
			pipeline(
				Readable.from(archiveOf(smallEnough(filesIn(dirname(partial), request)))),
				createWriteStream(partial),
				request.signal ? { signal: request.signal } : {},
			),
		),
};

/** The same as files of a folder; files of these names are replaced. Returns their names, the table's last. */
export async function writeClipFolder(
	folder: string,
	request: Omit<ExportRequest, 'out'>,
): Promise<string[]> {
	const names: string[] = [];
	const inFolder = { ...request, out: folder };
	for await (const name of clipsOf(inFolder, async (name, write) => {
		await writePartialFirst(join(folder, name), [request.runs[0]!.header.video.path], write);
		return name;
	})) {
		names.push(name);
	}
	return names;
}

type FileOfArchive = { name: string; chunks: AsyncIterable<Uint8Array> };

/** Each file lies in `folder` until it has been read. */
async function* filesIn(folder: string, request: ExportRequest): AsyncGenerator<FileOfArchive> {
	const files = clipsOf(request, async (name, write) => {
		const path = join(folder, `clip-${name}`);
		await write(path);
		return { name, path };
	});
	for await (const { name, path } of files) {
		yield { name, chunks: createReadStream(path) };
		await rm(path, { force: true });
	}
}

/** Makes a clip of every event that is wanted, one after another, and a table of them; `keep` says where each is written. */
async function* clipsOf<Kept>(
	request: ExportRequest,
	keep: (name: string, write: (path: string) => Promise<void>) => Promise<Kept>,
): AsyncGenerator<Kept> {
	const { labels, signal, onProgress } = request;
	const main = request.runs[0]!;
	const settings = resolveSettings(CLIP_SETTINGS, request.settings, 'format clips');
	const { counted, rows } = await searchedEvents(request, settings, 'format clips');
	checkCount(rows.length);
	const opened = await openVideoOf(main);
	const { video } = opened;
	const paneSize = fitPaneSize(paneSizeOf(video, settings), 1, settings, H264_LONGEST_SIDE);
	const scenes = await openScenes([main], labels.slice(0, 1), settings, paneSize, request);
	let times: ReturnType<typeof readFrameTimes> | null = null;
	const readTimes = () => (times ??= readFrameTimes(video, signal));

	const spans: ClipFrames[] = [];
	for (const row of rows) {
		const range = clipRange(counted, row, settings);
		spans.push(await findClipFrames(main, opened, range, signal, readTimes));
	}
	const total = spans.reduce((sum, { frameIndices }) => sum + frameIndices.length, 0);
	let before = 0;
	const taken = new Set<string>();
	for (const [i, row] of rows.entries()) {
		const span = spans[i]!;
		const told = before;
		const part = {
			runs: [main],
			...(signal && { signal }),
			onProgress: (done: number) => onProgress?.(told + done, total),
		};
		yield await keep(clipName(counted, row, taken), (path) =>
			encodeClip(path, video, paneSize, span, scenes, part, { hold: true, ...encoding(settings) }),
		);
		before += span.frameIndices.length;
	}
	yield await keep('events.csv', (path) => writeText(path, eventsAsCsv(counted, rows), signal));
}

const encoding = ({ sound, crf }: ValuesOf<typeof CLIP_SETTINGS>) => ({ sound, crf });

function checkCount(events: number): void {
	if (events > 0 && events <= MOST_CLIPS) return;
	throw new UserFacingError(
		'bad-argument',
		`format clips: 1 to ${MOST_CLIPS} events were expected (the search finds ${events}).`,
		{ remedy: events === 0 ? 'Loosen the search.' : 'Narrow the search.' },
	);
}

/** Throws before an archive grows beyond what its form holds. */
async function* smallEnough(files: AsyncIterable<FileOfArchive>): AsyncGenerator<FileOfArchive> {
	let bytes = 0;
	async function* counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
		for await (const chunk of chunks) {
			bytes += chunk.length;
			if (bytes > MOST_BYTES) {
				throw new UserFacingError(
					'bad-argument',
					'format clips: clips of 4 GB at most fit into an archive.',
					{
						remedy: 'Narrow the search, or write them into a folder by "sparsight clips".',
					},
				);
			}
			yield chunk;
		}
	}
	for await (const { name, chunks } of files) yield { name, chunks: counted(chunks) };
}

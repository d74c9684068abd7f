import { join } from 'node:path';
import { z } from 'zod';
import { ATTENTIONS, ON_CPU, PRECISIONS } from '../domain/execution.ts';
import { RESAMPLINGS } from '../domain/frame.ts';
import { sameLeastScore } from '../domain/least-scores.ts';
import type { RunHeader, RunStatus, SettingEvent } from '../domain/run.ts';
import { readText, RUN_FILES, unreadable } from './run-folder.ts';

const size = z.object({ width: z.number(), height: z.number() });
const settings = z.record(z.string(), z.union([z.number(), z.string(), z.boolean()]));
const position = z.union([z.object({ frame: z.number() }), z.object({ seconds: z.number() })]);

/** A `VideoInfo` as it is stored. */
export const videoInfoSchema = z.looseObject({
	path: z.string(),
	fileBytes: z.number(),
	container: z.string(),
	codec: z.string(),
	pixelFormat: z.string(),
	codedSize: size,
	displaySize: size,
	rotationDegrees: z.literal([0, 90, 180, 270]),
	sampleAspectRatio: z.number(),
	startSeconds: z.number(),
	durationSeconds: z.number().nullable(),
	nominalFramesPerSecond: z.number().nullable(),
	estimatedFrames: z.number().nullable(),
	hasAudio: z.boolean(),
	recordedAt: z.iso.datetime({ offset: true }).nullable().default(null), // missing in runs of earlier versions
});

const grid = z.object({
	rows: z.int().positive(),
	cols: z.int().positive(),
	stride: z.number(),
	windowSize: z.number(),
	windowOffset: z.number(),
});

const execution = {
	provider: z.string(),
	attention: z.enum(ATTENTIONS).default(ON_CPU.attention), // missing in runs of earlier versions, as is precision
	precision: z.enum(PRECISIONS).default(ON_CPU.precision),
};

const storedHeader = z.looseObject({
	format: z.literal('sparsight-run'),
	version: z.literal(1),
	createdAt: z.string(),
	video: videoInfoSchema,
	videoIdentity: z.object({ fileBytes: z.number(), edgesSha256: z.string() }),
	model: z.looseObject({
		id: z.string(),
		name: z.string(),
		path: z.string(),
		sha256: z.string(),
		classes: z.array(z.string()),
		reading: z.record(z.string(), z.unknown()).exactOptional(),
		doubt: z.string().exactOptional(),
	}),
	mode: z.string(),
	settings,
	range: z.object({ from: position, to: position.nullable(), every: z.int().positive() }),
	letterbox: z.object({
		displaySize: size,
		contentSize: size,
		inputSize: size,
		fill: z.number(),
		resampling: z.enum(RESAMPLINGS).exactOptional(),
	}),
	maxSide: z.int().positive().exactOptional(),
	grid,
	scoreThreshold: z.number(),
	displayThreshold: z.number(), // of all classes in runs of earlier versions, else of the class that needs least
	displayThresholds: z.array(z.number()).exactOptional(),
	denseMacs: z.number(),
	behindMacs: z.number().default(0), // missing in runs of earlier versions
	...execution,
	threads: z.number(),
	versions: z.looseObject({
		sparsight: z.string(),
		onnxruntime: z.string(),
		ffmpeg: z.string(),
		node: z.string(),
	}),
});

const runHeader = storedHeader
	.refine(
		({ displayThresholds, model }) => (displayThresholds ?? model.classes).length === model.classes.length,
		{
			path: ['displayThresholds'],
			message: 'one score for each class was expected',
		},
	)
	.transform(({ displayThreshold, displayThresholds, ...header }) => ({
		...header,
		displayThresholds: displayThresholds ?? sameLeastScore(header.model.classes.length, displayThreshold),
	})) satisfies z.ZodType<RunHeader>;

const settingEvent = z.object({ frameIndex: z.int(), settings }) satisfies z.ZodType<SettingEvent>;

const runStatus = z.object({
	state: z.enum(['running', 'cancelled', 'complete', 'failed']),
	framesStored: z.int(),
	lastFrameIndex: z.int(),
	wallSeconds: z.number(),
	decode: z
		.object({
			framesRead: z.number(),
			framesDecoded: z.number(),
			framesLost: z.number(),
			hardware: z.string().nullable().default(null), // missing in runs of earlier versions
			warnings: z.array(z.string()),
			clockRestarts: z
				.array(z.object({ frame: z.int(), fileSeconds: z.number(), offsetSeconds: z.number() }))
				.default([]), // missing in runs of earlier versions
		})
		.nullable(),
	error: z.string().nullable(),
	executionChanges: z.array(z.object({ frameIndex: z.int(), ...execution })).default([]), // missing in runs of earlier versions
}) satisfies z.ZodType<RunStatus>;

/** The text of a `run.json`, with the one threshold that earlier versions read. */
export function headerText(header: RunHeader): string {
	const stored: z.input<typeof storedHeader> = {
		...header,
		displayThreshold: Math.min(...header.displayThresholds),
	};
	return `${JSON.stringify(stored, null, '\t')}\n`;
}

/** The checked `run.json` of a folder. Throws `run-unreadable` if it is missing or was not written by Sparsight. */
export async function readHeader(folder: string): Promise<RunHeader> {
	const place = join(folder, RUN_FILES.header);
	const text = await readText(folder, RUN_FILES.header);
	if (text === null)
		throw unreadable(folder, `a run's folder was expected, but there is no ${RUN_FILES.header}`);
	const raw = parseJson(text);
	const version = z.object({ format: z.literal('sparsight-run'), version: z.number() }).safeParse(raw);
	if (!version.success)
		throw unreadable(place, 'the header of a stored run was expected (got something else)');
	if (version.data.version > 1) {
		throw unreadable(place, `a run of format version 1 was expected (got version ${version.data.version})`);
	}
	const header = runHeader.safeParse(raw);
	if (header.success) return header.data;
	const issue = header.error.issues[0]!;
	throw unreadable(place, `${issue.path.join('.') || 'the header'}: ${issue.message}`);
}

/** The state of the run as its writer noted it; null if it cannot be read: then only the journal tells. */
export async function readStatus(folder: string): Promise<RunStatus | null> {
	const status = runStatus.safeParse(parseJson((await readText(folder, RUN_FILES.status)) ?? ''));
	return status.success ? status.data : null;
}

/** The events up to the first damaged line, and how many bytes they take. */
export async function readEvents(folder: string): Promise<{ events: SettingEvent[]; bytes: number }> {
	const lines = wholeLines((await readText(folder, RUN_FILES.events)) ?? '');
	const events: SettingEvent[] = [];
	let bytes = 0;
	for (const line of lines) {
		const event = settingEvent.safeParse(parseJson(line));
		if (!event.success) break;
		events.push(event.data);
		bytes += Buffer.byteLength(line) + 1;
	}
	return { events, bytes };
}

/** The lines of `text` that end in a line break; an incomplete last line is left out. */
export function wholeLines(text: string): string[] {
	return text.split('\n').slice(0, -1);
}

/** The value of `text`; undefined if it is not JSON. */
export function parseJson(text: string): unknown {
	try {
		return JSON.parse(text) as unknown;
	} catch {
		return undefined;
	}
}

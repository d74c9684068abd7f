import type { Size, VideoInfo } from '../domain/video.ts';
import { RECORDED_TAGS } from './ffmpeg-args.ts';

/** What ffprobe or ffmpeg says about a file, in our terms. */
export type FileDescription = {
	container: string;
	hasAudio: boolean;
	/** As in `VideoInfo`. */
	recordedAt: string | null;
	/** The first video stream that is not a cover picture; null without one. */
	stream: StreamDescription | null;
};

export type StreamDescription = {
	codec: string;
	pixelFormat: string;
	/** Zero if the file does not say. */
	codedSize: Size;
	sampleAspectRatio: number;
	rotationDegrees: VideoInfo['rotationDegrees'];
	startSeconds: number | null;
	durationSeconds: number | null;
	framesPerSecond: number | null;
	claimedFrames: number | null;
};

/**
 * The size of the picture with square pixels, upright. Non-square pixels lengthen one side and shorten none, as in
 * browsers, so that no detail is lost.
 */
export function displaySize(coded: Size, sampleAspectRatio: number, rotationDegrees: number): Size {
	const width = Math.round(coded.width * Math.max(1, sampleAspectRatio));
	const height = Math.round(coded.height / Math.min(1, sampleAspectRatio));
	return rotationDegrees % 180 === 0 ? { width, height } : { width: height, height: width };
}

type ProbeStream = {
	codec_type?: string;
	codec_name?: string;
	pix_fmt?: string;
	width?: number;
	height?: number;
	sample_aspect_ratio?: string;
	start_time?: string;
	duration?: string;
	avg_frame_rate?: string;
	r_frame_rate?: string;
	nb_frames?: string;
	disposition?: { attached_pic?: number };
	tags?: { rotate?: string };
	side_data_list?: { rotation?: number }[];
};
type ProbeAnswer = {
	streams?: ProbeStream[];
	format?: {
		format_name?: string;
		start_time?: string;
		duration?: string;
		tags?: Partial<Record<string, string>>;
	};
};

/** ffprobe's JSON; null where it did not recognise the file. */
export function parseProbeJson(json: string): FileDescription | null {
	const answer = JSON.parse(json || '{}') as ProbeAnswer;
	if (answer.format?.format_name === undefined) return null;
	const { format, streams = [] } = answer;
	const video = streams.find((s) => s.codec_type === 'video' && s.disposition?.attached_pic !== 1);
	return {
		container: answer.format.format_name,
		hasAudio: streams.some((s) => s.codec_type === 'audio'),
		recordedAt: recordedAt((tag) => format.tags?.[tag]),
		stream: video === undefined ? null : describeProbeStream(video, format),
	};
}

/** The first of the tags that is a time. Clocks that were never set stand at the beginning of their era. */
function recordedAt(valueOf: (tag: string) => string | undefined): string | null {
	for (const tag of RECORDED_TAGS) {
		const [, date, time, zone = 'Z'] =
			/^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d{1,6})?)(Z|[+-]\d\d:?\d\d)?$/.exec(
				valueOf(tag)?.trim() ?? '',
			) ?? [];
		if (date === undefined) continue;
		const text = `${date}T${time!}${zone.replace(/^(...)(\d\d)$/, '$1:$2')}`;
		if (Date.parse(text) > Date.parse('1970-01-02')) return text;
	}
	return null;
}

function describeProbeStream(
	stream: ProbeStream,
	format: NonNullable<ProbeAnswer['format']>,
): StreamDescription {
	const matrix = stream.side_data_list?.find((data) => data.rotation !== undefined)?.rotation;
	// The matrix turns against the clock; the older tag with it.
	const turn = matrix === undefined ? Number(stream.tags?.rotate ?? 0) : -matrix;
	const claimed = Number(stream.nb_frames ?? Number.NaN);
	return {
		codec: stream.codec_name ?? 'unknown',
		pixelFormat: stream.pix_fmt ?? 'unknown',
		codedSize: { width: stream.width ?? 0, height: stream.height ?? 0 },
		sampleAspectRatio: parseRatio(stream.sample_aspect_ratio) ?? 1,
		rotationDegrees: quarterTurn(turn),
		startSeconds: parseNumber(stream.start_time) ?? parseNumber(format.start_time),
		durationSeconds: parseNumber(stream.duration) ?? parseNumber(format.duration),
		framesPerSecond: parseRatio(stream.avg_frame_rate) ?? parseRatio(stream.r_frame_rate),
		claimedFrames: Number.isInteger(claimed) && claimed > 0 ? claimed : null,
	};
}

const VIDEO_LINE = /^ {2}Stream #0:\d+.*?: Video: (?!.*\(attached pic\))/;

/** What `ffmpeg -i` prints; null where it did not recognise the file. Starts of single streams are not in it. */
export function parseFfmpegDescription(log: string): FileDescription | null {
	const lines = log.split(/\r?\n/);
	const container = lines
		.map((line) => /^Input #0, (.*), from '/.exec(line)?.[1])
		.find((name) => name !== undefined);
	if (container === undefined) return null;
	const isStream = (line: string) => /^ {2}Stream #0:/.test(line);
	const at = lines.findIndex((line) => VIDEO_LINE.test(line));
	const hasAudio = lines.some((line) => isStream(line) && / Audio: /.test(line));
	const recorded = recordedAt((tag) =>
		lines
			.map((line) => new RegExp(`^ {4}${tag.replaceAll('.', '\\.')} *: (.*)$`).exec(line)?.[1])
			.find((text) => text),
	);
	if (at < 0) return { container, hasAudio, recordedAt: recorded, stream: null };
	const after = lines.slice(at + 1);
	const end = after.findIndex((line) => isStream(line) || /^\S/.test(line));
	const about = end < 0 ? after : after.slice(0, end);
	return { container, hasAudio, recordedAt: recorded, stream: describeLine(lines[at]!, about, log) };
}

function describeLine(line: string, about: string[], log: string): StreamDescription {
	const find = (pattern: RegExp, text: string) => pattern.exec(text)?.[1];
	const size = /, (\d+)x(\d+)(?=[ ,]|$)/.exec(line);
	const matrix = find(/displaymatrix: rotation of (-?[\d.]+) degrees/, about.join('\n'));
	const tag = find(/^\s+rotate\s*: (-?\d+)/m, about.join('\n'));
	const rate = find(/, ([\d.]+k?) fps/, line) ?? find(/, ([\d.]+k?) tbr/, line);
	return {
		codec: find(/Video: ([^\s,]+)/, line) ?? 'unknown',
		// Comes after the codec with its profile and tag, which may hold commas inside brackets.
		pixelFormat: find(/Video: [^\s,]+(?: \([^)]*\))*, ([a-z0-9_]+)/, line) ?? 'unknown',
		codedSize: { width: Number(size?.[1] ?? 0), height: Number(size?.[2] ?? 0) },
		sampleAspectRatio: parseRatio(find(/[[ ]SAR (\d+:\d+)/, line)) ?? 1,
		rotationDegrees: quarterTurn(matrix === undefined ? Number(tag ?? 0) : -Number(matrix)),
		startSeconds: parseNumber(find(/, start: (-?[\d.]+)/, log)),
		durationSeconds: parseClock(find(/^ {2}Duration: (\d+:\d+:[\d.]+)/m, log)),
		framesPerSecond:
			rate === undefined ? null : rate.endsWith('k') ? 1000 * Number.parseFloat(rate) : Number(rate),
		claimedFrames: null,
	};
}

// ffmpeg applies turns within one degree of a quarter by turning the frame's sides; others leave its size alone.
function quarterTurn(degrees: number): VideoInfo['rotationDegrees'] {
	const quarters = Math.round(degrees / 90);
	if (!(Math.abs(degrees - 90 * quarters) < 1)) return 0;
	return ((((quarters % 4) + 4) % 4) * 90) as VideoInfo['rotationDegrees'];
}

function parseNumber(text: string | undefined): number | null {
	if (text === undefined || text === '') return null;
	const value = Number(text);
	return Number.isFinite(value) ? value : null;
}

/** `30000/1001` or `16:15`; null for `0/0`, `0:1` and everything else that is no positive ratio. */
function parseRatio(text: string | undefined): number | null {
	const [numerator, denominator] = (text ?? '').split(/[/:]/).map(Number);
	const ratio = numerator! / denominator!;
	return Number.isFinite(ratio) && ratio > 0 ? ratio : null;
}

function parseClock(text: string | undefined): number | null {
	if (text === undefined) return null;
	const [hours, minutes, seconds] = text.split(':').map(Number);
	return 3600 * hours! + 60 * minutes! + seconds!;
}

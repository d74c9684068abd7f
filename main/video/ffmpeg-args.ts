import { availableParallelism } from 'node:os';
import type { Letterbox, Resampling } from '../domain/frame.ts';
import type { FrameRange, Size } from '../domain/video.ts';
import { selectExpression, type SeekPlan } from './frame-range.ts';

/** What ffmpeg is asked to do, as data. No shell ever sees it. */
export type FfmpegCommand = {
	inputs: { options: string[]; source: string }[];
	/** Everything between the inputs and the target. */
	options: string[];
	target: string;
};

/** A command that neither reads nor writes our pipes, as arguments of the program. */
export function argumentsOf({ inputs, options, target }: FfmpegCommand): string[] {
	return [...inputs.flatMap((input) => [...input.options, '-i', input.source]), ...options, target];
}

/**
 * Decoding shares the machine with inference, which wants every core: half of them, at most four, decode. More
 * would also make ffmpeg hold that many frames and let its log run further ahead of the pixels.
 */
const DECODER_THREADS = Math.min(4, Math.max(1, Math.floor(availableParallelism() / 2)));

/** A path as ffmpeg's own URL: names that begin with `-` or look like a protocol or a pattern mean only themselves. */
export function fileUrl(path: string): string {
	return `file:${path}`;
}

// A playlist or a reference movie may name further sources; only files on this machine are allowed.
const LOCAL_ONLY = ['-protocol_whitelist', 'file,pipe'];

// `level+` marks each line with its severity, `repeat+` writes repeated ones out instead of a count of them.
const LOG_OPTIONS = ['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'repeat+level+info'];

/** The first video stream that is not a cover picture. */
const VIDEO_STREAM = '0:V:0';

function videoInput(path: string, hardware: string | null = null): FfmpegCommand['inputs'][number] {
	return {
		// prettier-ignore
		options: [
			...(hardware === null ? [] : ['-hwaccel', hardware]),
			...LOCAL_ONLY,
			'-threads', String(DECODER_THREADS),
			// A change of size or pixel format must not rebuild the filters: their frame counters would start anew.
			'-reinit_filter', '0',
		],
		source: fileUrl(path),
	};
}

// prettier-ignore
const DECODE_OPTIONS = [
	...LOG_OPTIONS,
	'-copyts', // times stay in the file's own clock, whatever it starts with
	'-fps_mode', 'passthrough', // each decoded frame once: the default repeats and drops frames of uneven rates
	'-max_error_rate', '1', // damaged data never ends the run
	'-map', VIDEO_STREAM,
	'-filter_threads', '1',
];

// Logs a line for every decoded frame with its time in ticks; its seconds are rounded to six digits and not used.
const LOG_FRAMES = 'showinfo=checksum=0';

/** Decodes the whole file and logs every frame; writes no pixels. */
export function frameTimesCommand(path: string): FfmpegCommand {
	return {
		inputs: [videoInput(path)],
		options: [...DECODE_OPTIONS, '-vf', LOG_FRAMES, '-f', 'null'],
		target: '-',
	};
}

/** Lists times and checksums of the first frames on standard output, in one format of pixels whatever decodes them. */
export function checksumsCommand(
	path: string,
	{ hardware, pixelFormat, frames }: { hardware: string | null; pixelFormat: string; frames: number },
): FfmpegCommand {
	return {
		inputs: [videoInput(path, hardware)],
		options: [
			...DECODE_OPTIONS,
			...['-frames:v', String(frames), '-vf', `format=${pixelFormat}`, '-f', 'framemd5'],
		],
		target: 'pipe:1',
	};
}

/** Bitstream filters that parse every packet header and fail where a decoder would, by ffmpeg's name of the codec. */
const PACKET_CHECKS: Partial<Record<string, string>> = {
	h264: 'h264_metadata',
	hevc: 'hevc_metadata',
	vp9: 'vp9_metadata',
	av1: 'av1_metadata',
	prores: 'prores_metadata',
};

/** Lists the packets of the video stream on standard output, with times and flags; decodes nothing. */
export function packetsCommand(path: string, codec: string): FfmpegCommand {
	const check = PACKET_CHECKS[codec];
	return {
		inputs: [{ options: LOCAL_ONLY, source: fileUrl(path) }],
		// prettier-ignore
		options: [
			...LOG_OPTIONS, '-copyts', '-map', VIDEO_STREAM, '-c', 'copy', '-copyinkf',
			...(check === undefined ? [] : ['-bsf:v', check]),
			'-f', 'framecrc',
		],
		target: 'pipe:1',
	};
}

/**
 * Logs every decoded frame, from the start or from where `seek` leads, and writes the picked ones to standard output as
 * packed pixels of `inputSize`.
 */
export function readFramesCommand(
	path: string,
	options: {
		range: FrameRange;
		startAfterFrame: number;
		letterbox: Letterbox;
		format: 'rgb24' | 'rgba';
		seek: SeekPlan | null;
		/** What decodes instead of ffmpeg itself, and the format of pixels that ffmpeg itself would give. */
		hardware?: { method: string; pixelFormat: string } | null;
	},
): FfmpegCommand {
	const { seek, hardware = null } = options;
	const select = selectExpression(options.range, options.startAfterFrame, seek);
	const input = videoInput(path, hardware?.method);
	if (seek !== null) input.options.push(...jump(seek.seekSeconds));
	const filters = [
		LOG_FRAMES,
		...(select === null ? [] : [`select='${select}'`]),
		// Devices order the same numbers otherwise, and scaling that order would round otherwise.
		...(hardware === null ? [] : [`format=${hardware.pixelFormat}`]),
		...letterboxFilters(options.letterbox, options.format),
	];
	return {
		inputs: [input],
		options: [...DECODE_OPTIONS, '-vf', filters.join(','), '-f', 'rawvideo'],
		target: 'pipe:1',
	};
}

/** What swscale calls them. Without `full_chroma_int` it repeats the colours of 4:2:0. */
const SCALER_FLAGS: Readonly<Record<Resampling, string>> = {
	bilinear: 'bilinear',
	'fine-bilinear': 'bilinear+full_chroma_int',
	'fine-bicubic': 'bicubic+full_chroma_int',
	'fine-lanczos': 'lanczos+full_chroma_int',
	nearest: 'neighbor+full_chroma_int',
};

/**
 * Scaling is bilinear both ways: swscale widens its kernel when it shrinks (a triangle over all source pixels), so
 * nothing aliases, and it is what image libraries that train detectors do under that name. The filter does nothing
 * but convert where sizes agree already. Padding comes after the conversion to RGB, so that `fill` stays `fill`.
 */
function letterboxFilters(letterbox: Letterbox, format: 'rgb24' | 'rgba'): string[] {
	const { contentSize, inputSize, fill, resampling = 'bilinear' } = letterbox;
	const filters = [
		`scale=${contentSize.width}:${contentSize.height}:flags=${SCALER_FLAGS[resampling]}`,
		`format=${format}`,
	];
	if (contentSize.width !== inputSize.width || contentSize.height !== inputSize.height) {
		const grey = fill.toString(16).padStart(2, '0');
		filters.push(`pad=${inputSize.width}:${inputSize.height}:0:0:color=0x${grey}${grey}${grey}FF`);
	}
	return filters;
}

/**
 * Makes ffmpeg describe a file. It exits with an error because no output is given, but only after printing everything.
 */
export function describeArgs(path: string): string[] {
	return ['-hide_banner', '-nostdin', ...LOCAL_ONLY, '-i', fileUrl(path)];
}

/** Makes ffprobe describe a file in JSON. */
/** Where files say when they were recorded; the first one knows its time zone. */
export const RECORDED_TAGS = ['com.apple.quicktime.creationdate', 'creation_time'] as const;

export function probeArgs(path: string): string[] {
	const entries = [
		'format=format_name,start_time,duration',
		'stream=codec_type,codec_name,pix_fmt,width,height,sample_aspect_ratio,start_time,duration' +
			',avg_frame_rate,r_frame_rate,nb_frames',
		'stream_disposition=attached_pic',
		`format_tags=${RECORDED_TAGS.join(',')}`,
		'stream_tags=rotate',
		'stream_side_data=rotation',
	];
	// prettier-ignore
	return [
		'-v', 'error', ...LOCAL_ONLY,
		'-show_entries', entries.join(':'),
		'-of', 'json', '-i', fileUrl(path),
	];
}

export type EncodeOptions = {
	encoder: string;
	crf: number;
	/** Most frames between key frames, without frames that depend on later ones; null leaves both to the encoder. */
	keyFrameEvery: number | null;
	/** Path of the file to write. */
	path: string;
	size: Size;
	/** How long the last frame is shown. */
	lastFrameSeconds: number;
	audio: { path: string; fromSeconds: number; toSeconds: number } | null;
};

/** Ticks per second of the files that we write: every common frame rate is whole in it. */
export const CLOCK_HZ = 90_000;

/** Encodes Matroska with raw RGBA from standard input to an mp4 that browsers can play while it loads. */
export function encodeCommand(options: EncodeOptions): FfmpegCommand {
	const { audio } = options;
	const filters = [
		...(options.size.width % 2 || options.size.height % 2 ? ['pad=ceil(iw/2)*2:ceil(ih/2)*2'] : []), // 4:2:0 needs it
		'scale=flags=bilinear:out_color_matrix=bt709:out_range=tv',
		'format=yuv420p',
		'setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709',
		`settb=1/${CLOCK_HZ}`,
	];
	return {
		inputs: [
			// There is nothing to find out about the pipe: probing it would only delay frames.
			{
				options: ['-f', 'matroska', '-analyzeduration', '0', '-fpsprobesize', '0', ...LOCAL_ONLY],
				source: 'pipe:0',
			},
			...(audio === null ? [] : [audioInput(audio)]),
		],
		// prettier-ignore
		options: [
			...LOG_OPTIONS,
			'-copyts', // sound is cut in the source's clock, below
			'-map', '0:v:0', '-vf', filters.join(','),
			'-fps_mode', 'passthrough', '-enc_time_base', `1:${CLOCK_HZ}`, '-video_track_timescale', String(CLOCK_HZ),
			'-c:v', options.encoder, ...qualityOptions(options.encoder, options.crf),
			...(options.keyFrameEvery === null ? [] : ['-g', String(options.keyFrameEvery), '-bf', '0']),
			...lastFrameOptions(options.lastFrameSeconds),
			...(audio === null ? [] : audioOptions(audio)),
			'-map_metadata', '-1', '-movflags', '+faststart', '-f', 'mp4',
		],
		target: fileUrl(options.path),
	};
}

function qualityOptions(encoder: string, crf: number): string[] {
	return encoder === 'libx264' ? ['-preset', 'veryfast', '-crf', String(crf)] : ['-b:v', '8M'];
}

// The durations of all other frames follow from their neighbours; only the last one's must be stated. Without explicit
// expressions, `setts` would set presentation times to decoding times.
function lastFrameOptions(seconds: number): string[] {
	return ['-bsf:v', `setts=pts=PTS:dts=DTS:duration=${Math.max(1, Math.round(seconds * CLOCK_HZ))}`];
}

type AudioSpan = { path: string; fromSeconds: number; toSeconds: number };

/** Decoding of sound begins this many seconds before the span, so that the decoder has settled. */
const AUDIO_LEAD = 5;

function audioInput({ path, fromSeconds }: AudioSpan): FfmpegCommand['inputs'][number] {
	const seek = fromSeconds - AUDIO_LEAD;
	return { options: [...LOCAL_ONLY, '-vn', ...(seek > 0 ? jump(seek) : [])], source: fileUrl(path) };
}

/** Seeks to the key frame at or before a time in the file's own clock; everything decoded from there on is put out. */
function jump(seconds: number): string[] {
	return ['-noaccurate_seek', '-seek_timestamp', '1', '-ss', seconds.toFixed(6)];
}

// Cut in the source's clock, moved to ours, and filled with silence where the sound starts later or has holes, so
// that it cannot slip against the pictures.
function audioOptions({ fromSeconds, toSeconds }: AudioSpan): string[] {
	const filters = [
		`atrim=start=${fromSeconds}:end=${toSeconds}`,
		`asetpts=PTS-(${fromSeconds})/TB`,
		'aresample=async=1:first_pts=0',
	];
	return ['-map', '1:a:0?', '-af', filters.join(','), '-c:a', 'aac', '-b:a', '160k'];
}

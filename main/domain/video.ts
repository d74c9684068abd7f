export type Size = { width: number; height: number };

/** What is known of a video file before a frame is decoded. */
export type VideoInfo = {
	path: string;
	fileBytes: number;
	/** ffmpeg's name of the container format, such as `mov,mp4,m4a,3gp,3g2,mj2`. */
	container: string;
	/** ffmpeg's name of the codec, such as `h264`. */
	codec: string;
	pixelFormat: string;
	/** As stored in the stream. */
	codedSize: Size;
	/** As a viewer sees it: rotated, with square pixels; may be odd. Boxes are in this space. */
	displaySize: Size;
	/** Clockwise rotation that a player applies. */
	rotationDegrees: 0 | 90 | 180 | 270;
	/** Width over height of one stored pixel. */
	sampleAspectRatio: number;
	/** Start of the video stream in the file's own clock; need not be zero. */
	startSeconds: number;
	/** As the container claims; null if it does not. */
	durationSeconds: number | null;
	/** For labels and estimates only: times come from the frames, never from rate × index. */
	nominalFramesPerSecond: number | null;
	/** For progress bars only; null if the container claims nothing. */
	estimatedFrames: number | null;
	hasAudio: boolean;
	/**
	 * When it was recorded, as the file says: ISO 8601, in UTC (`Z`) or with the distance from it; null if it doesn't. Null as well in runs
	 * of earlier versions.
	 */
	recordedAt: string | null;
};

/**
 * A place in a video: a decoded frame's index (from 0), or a time in the file's own clock, which may be below zero; where that begins
 * again, in the time line that goes on rising.
 */
export type Position = { frame: number } | { seconds: number };

/** The frames to read: from `from` to `to` (both included; null = to the end), then every n-th of those. */
export type FrameRange = { from: Position; to: Position | null; every: number };

/** Times are compared with this slack, in seconds, so that a time copied from a table of microseconds still hits. */
export const TIME_SLACK = 1e-6;

/** Whether a frame comes before a position. */
export function isBefore(position: Position, index: number, timeSeconds: number): boolean {
	return 'frame' in position ? index < position.frame : timeSeconds < position.seconds - TIME_SLACK;
}

/** Whether a frame comes after a position. */
export function isAfter(position: Position, index: number, timeSeconds: number): boolean {
	return 'frame' in position ? index > position.frame : timeSeconds > position.seconds + TIME_SLACK;
}

export const WHOLE_VIDEO: FrameRange = { from: { frame: 0 }, to: null, every: 1 };

/** Presentation times of all decoded frames, in decoding-output order, never falling: `ptsSeconds[index]`. */
export type FrameTimes = { ptsSeconds: Float64Array };

/** The exact time of one decoded frame. */
export type KnownFrame = { frame: number; seconds: number };

/** A frame at which the file's own clock began again: its time there, and how much later the time line is from here on. */
export type ClockRestart = { frame: number; fileSeconds: number; offsetSeconds: number };

/** The time in the file's own clock of a frame whose time in the rising time line is `timeSeconds`. */
export function fileTimeOf(frame: number, timeSeconds: number, restarts: readonly ClockRestart[]): number {
	return timeSeconds - (restarts.findLast((restart) => restart.frame <= frame)?.offsetSeconds ?? 0);
}

/** The result of reading frames, besides the frames. */
export type DecodeSummary = {
	/** Frames handed out. */
	framesRead: number;
	/** Frames from the file's start to the end of the range, including those before the range. */
	framesDecoded: number;
	/** Frames lost to corrupt data, as far as the decoder tells; those before the range may be missing. */
	framesLost: number;
	/** What decoded instead of ffmpeg itself, by ffmpeg's name, such as `vaapi`. */
	hardware: string | null;
	/** The decoder's first few warnings about damaged data, for the report. */
	warnings: string[];
	/** Where the file's own clock began again; frames' times rise all the same. */
	clockRestarts: readonly ClockRestart[];
};

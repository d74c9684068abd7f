import { errorToData, type ErrorCode } from '../domain/errors.ts';

/** Exit codes of the command line; documented in the README. */
export const EXIT = {
	ok: 0,
	internal: 1,
	usage: 2,
	input: 3,
	output: 4,
	engine: 5,
	interrupted: 130,
} as const;

const EXIT_OF_ERROR = {
	'file-not-found': EXIT.input,
	'file-unreadable': EXIT.input,
	'not-a-video': EXIT.input,
	'no-video-stream': EXIT.input,
	'no-frames': EXIT.input,
	'decode-failed': EXIT.input,
	'ffmpeg-missing': EXIT.engine,
	'ffmpeg-failed': EXIT.engine,
	'model-not-found': EXIT.input,
	'model-unreadable': EXIT.input,
	'tensor-mismatch': EXIT.input,
	'card-needed': EXIT.input,
	'download-failed': EXIT.input,
	'download-refused': EXIT.input,
	'hash-mismatch': EXIT.input,
	'unknown-mode': EXIT.usage,
	'unknown-setting': EXIT.usage,
	'setting-out-of-range': EXIT.usage,
	'unknown-format': EXIT.usage,
	'bad-range': EXIT.usage,
	'bad-clock': EXIT.usage,
	'bad-argument': EXIT.usage,
	'unknown-object': EXIT.usage,
	'output-not-writable': EXIT.output,
	'disk-full': EXIT.output,
	'run-unreadable': EXIT.input,
	'run-exists': EXIT.output,
	'resume-mismatch': EXIT.usage,
	'truth-unreadable': EXIT.input,
	'zones-unreadable': EXIT.input,
	'zones-set-aside': EXIT.input,
	'project-unreadable': EXIT.input,
	'project-exists': EXIT.output,
	'project-video-missing': EXIT.input,
	'project-video-differs': EXIT.input,
	'project-run-gone': EXIT.input,
	'edits-unreadable': EXIT.input,
	'edit-refused': EXIT.input,
	'worker-died': EXIT.engine,
	'provider-unusable': EXIT.engine,
	'device-lost': EXIT.engine,
	'export-died': EXIT.output,
	'print-failed': EXIT.engine,
	'probe-died': EXIT.engine,
	cancelled: EXIT.interrupted,
} as const satisfies Record<ErrorCode, number>;

export function exitCodeOf(error: unknown): number {
	const { code } = errorToData(error);
	return code === 'internal' ? EXIT.internal : EXIT_OF_ERROR[code];
}

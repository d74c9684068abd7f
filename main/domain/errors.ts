/** Stable names of all failures that a person can do something about; the page has texts for them in each language. */
export type ErrorCode =
	| 'file-not-found'
	| 'file-unreadable'
	| 'not-a-video'
	| 'no-video-stream'
	| 'no-frames'
	| 'decode-failed'
	| 'ffmpeg-missing'
	| 'ffmpeg-failed'
	| 'model-not-found'
	| 'model-unreadable'
	| 'tensor-mismatch'
	/** A model file that can be read in several ways: a person says which. */
	| 'card-needed'
	| 'download-failed'
	| 'download-refused'
	| 'hash-mismatch'
	| 'unknown-mode'
	| 'unknown-setting'
	| 'setting-out-of-range'
	| 'unknown-format'
	| 'bad-range'
	| 'bad-clock'
	| 'bad-argument'
	/** The number of an object that a run does not have. */
	| 'unknown-object'
	| 'output-not-writable'
	| 'disk-full'
	| 'run-unreadable'
	| 'run-exists'
	| 'resume-mismatch'
	| 'truth-unreadable'
	| 'zones-unreadable'
	/** Zones that could not be read any more: their file was kept under another name. */
	| 'zones-set-aside'
	| 'edits-unreadable'
	| 'project-unreadable'
	| 'project-exists'
	/** A video of a project that is nowhere to be found. */
	| 'project-video-missing'
	| 'project-video-differs'
	/** A run of a project that is not stored any more. */
	| 'project-run-gone'
	/** A change of tracks that makes no sense. */
	| 'edit-refused'
	| 'worker-died'
	/** An execution provider that is asked for, and does not work or can't be used. */
	| 'provider-unusable'
	/** A device that failed while graphs ran on it. */
	| 'device-lost'
	| 'probe-died'
	| 'export-died'
	/** A report that no browser could print. */
	| 'print-failed'
	| 'cancelled';

/**
 * A failure that the user can fix. `message` is one sentence: place, what was expected, what came. `remedy` says what
 * to do next; null if the sentence already does.
 */
export class UserFacingError extends Error {
	readonly code: ErrorCode;
	readonly remedy: string | null;

	constructor(code: ErrorCode, message: string, options: { remedy?: string; cause?: unknown } = {}) {
		// Names out of files may hold line breaks, and be of any length.
		super(
			shortened(message.replace(/\p{Cc}+/gu, ' ')),
			options.cause === undefined ? undefined : { cause: options.cause },
		);
		this.name = 'UserFacingError';
		this.code = code;
		this.remedy = options.remedy ?? null;
	}
}

const MOST_CHARACTERS = 1500;
const LAST_CHARACTERS = 300;

function shortened(message: string): string {
	if (message.length <= MOST_CHARACTERS) return message;
	const first = message.slice(0, MOST_CHARACTERS - LAST_CHARACTERS);
	return `${first} … ${message.slice(-LAST_CHARACTERS)}`;
}

/** Throws `message` if our own reasoning is wrong; never for bad input. */
export function assert(condition: unknown, message: string): asserts condition {
	if (!condition) throw new Error(`Assertion failed: ${message}`);
}

/** An error as plain data, so that it can cross a process boundary. */
export type ErrorData = {
	code: ErrorCode | 'internal';
	message: string;
	remedy: string | null;
	stack: string | null;
};

export function errorToData(error: unknown): ErrorData {
	if (error instanceof UserFacingError) {
		return { code: error.code, message: error.message, remedy: error.remedy, stack: error.stack ?? null };
	}
	const system = systemError(error);
	if (system) return errorToData(system);
	const known = error instanceof Error ? error : new Error(String(error));
	return { code: 'internal', message: known.message, remedy: null, stack: known.stack ?? null };
}

export function errorFromData(data: ErrorData): Error {
	if (data.code === 'internal') {
		const error = new Error(data.message);
		if (data.stack !== null) error.stack = data.stack;
		return error;
	}
	const error = new UserFacingError(
		data.code,
		data.message,
		data.remedy === null ? {} : { remedy: data.remedy },
	);
	if (data.stack !== null) error.stack = data.stack;
	return error;
}

/**
 * The UserFacingError for a failed system call; null if it is not one of the known ones. `file`: what it is about, for a person;
 * without it, what the error names: a call on an open file names none, and others may name a passing file beside the one that is meant.
 */
export function systemError(error: unknown, file?: string): UserFacingError | null {
	if (!(error instanceof Error) || !('code' in error)) return null;
	const place = file ?? ('path' in error && typeof error.path === 'string' ? error.path : 'the output');
	switch (error.code) {
		case 'ENOSPC':
			return new UserFacingError('disk-full', `${place}: no space is left on the disk.`, {
				remedy: 'Free some space, then go on; what was written so far is kept.',
				cause: error,
			});
		case 'EDQUOT':
		case 'EFBIG':
			return new UserFacingError('disk-full', `${place}: the disk takes no more of it (${error.code}).`, {
				remedy: 'Raise the quota or the file size limit, then go on; what was written is kept.',
				cause: error,
			});
		case 'EACCES':
		case 'EPERM':
		case 'EROFS':
			return new UserFacingError('output-not-writable', `${place}: writing is not permitted.`, {
				remedy: 'Choose another folder.',
				cause: error,
			});
		case 'ENOENT':
			return new UserFacingError('file-not-found', `${place}: no such file or folder.`, { cause: error });
		default:
			return null;
	}
}

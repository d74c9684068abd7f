import { open, statfs } from 'node:fs/promises';
import { systemError, UserFacingError } from '../domain/errors.ts';

/** A file that is being written. */
export type PartFile = {
	write(piece: Uint8Array): Promise<void>;
	sync(): Promise<void>;
	close(): Promise<void>;
};

/** What downloads need of a disk; tests fill it up. */
export type Disk = {
	/** Bytes that may still be written to the disk of a folder. */
	free(folder: string): Promise<number>;
	open(path: string, flags: 'w' | 'a'): Promise<PartFile>;
};

export const REAL_DISK: Disk = {
	async free(folder) {
		const { bavail, bsize } = await statfs(folder);
		return bavail * bsize;
	},
	async open(path, flags) {
		const handle = await open(path, flags);
		return {
			write: async (piece) => {
				for (let at = 0; at < piece.length;) at += (await handle.write(piece, at)).bytesWritten;
			},
			sync: () => handle.sync(),
			close: () => handle.close(),
		};
	},
};

/** Left free on a disk, for others that write. */
const RESERVE_BYTES = 2 ** 26;

/** Throws `disk-full` where a folder's disk has no room for so many bytes more. */
export async function requireSpace(disk: Disk, folder: string, bytes: number): Promise<void> {
	const free = (await disk.free(folder)) - RESERVE_BYTES;
	if (bytes <= free) return;
	throw new UserFacingError(
		'disk-full',
		`${folder}: ${megabytes(bytes)} MB more were expected to fit (${megabytes(Math.max(0, free))} MB are free).`,
		{ remedy: 'Free some space, then try again; what a download brought is kept.' },
	);
}

/** An error of writing to `path`, for a person. */
export function writingError(path: string, error: unknown): unknown {
	const known = systemError(error, path);
	if (known?.code !== 'disk-full') return known ?? error;
	return new UserFacingError('disk-full', `${path}: no space is left on the disk.`, {
		remedy: 'Free some space, then try again; what a download brought is kept.',
		cause: error,
	});
}

function megabytes(bytes: number): string {
	return Math.ceil(bytes / 1e6).toLocaleString('en');
}

import { readFile } from 'node:fs/promises';
import { UserFacingError } from '../../domain/errors.ts';
import { coco } from './coco.ts';
import { truthUnreadable, type GroundTruth, type TruthFormat } from './ground-truth.ts';
import { mot } from './mot.ts';
import { voc } from './voc.ts';

export const TRUTH_FORMATS: readonly TruthFormat[] = [coco, mot, voc];

/** Reads ground truth of any known format. Throws `truth-unreadable` (or `file-not-found`) with the place. */
export async function readGroundTruth(path: string): Promise<GroundTruth> {
	const text = await readText(path);
	const format = TRUTH_FORMATS.find((known) => known.recognises(text, path));
	if (format) return format.parse(text, path);
	const first = text.split('\n', 1)[0]!.slice(0, 60);
	throw truthUnreadable(
		path,
		TRUTH_FORMATS.map(({ expects }) => expects).join(' or '),
		text.trim() === '' ? 'an empty file' : `"${first}"`,
	);
}

async function readText(path: string): Promise<string> {
	try {
		return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
	} catch (error) {
		const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
		if (code === 'ENOENT') {
			throw new UserFacingError('file-not-found', `${path}: no such file.`, { cause: error });
		}
		throw new UserFacingError('truth-unreadable', `${path}: a readable file was expected (got ${code}).`, {
			cause: error,
		});
	}
}

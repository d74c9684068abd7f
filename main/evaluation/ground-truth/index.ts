import { coco } from './coco.ts';
import { truthUnreadable, type GroundTruth, type TruthFormat, type TruthOptions } from './ground-truth.ts';
import { mot } from './mot.ts';
import { readText } from './text.ts';
import { voc } from './voc.ts';

export const TRUTH_FORMATS: readonly TruthFormat[] = [coco, mot, voc];

/** Reads ground truth of any known format. Throws `truth-unreadable` (or `file-not-found`) with the place. */
export function readGroundTruth(path: string, options: TruthOptions = {}): GroundTruth {
	const text = readText(path);
	const format = TRUTH_FORMATS.find((known) => known.recognises(text, path));
	if (format) {
		const truth = format.parse(text, path, options);
		if (options.firstFrame === undefined) return truth;
		return { ...truth, remarks: [...truth.remarks, { kind: 'first-frame', number: options.firstFrame }] };
	}
	const first = text.split('\n', 1)[0]!.slice(0, 60);
	throw truthUnreadable(
		path,
		TRUTH_FORMATS.map(({ expects }) => expects).join(' or '),
		text.trim() === '' ? 'an empty file' : `"${first}"`,
	);
}

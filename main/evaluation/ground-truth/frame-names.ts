import { basename, extname } from 'node:path';

/** Roboflow writes `frame_000012_jpg.rf.<hash>.jpg` for `frame_000012.jpg`. */
const EXPORT_SUFFIX = /[._](?:jpe?g|png|bmp|webp|tiff?)\.rf\.[0-9a-z]{16,}$/i;
/** Hashes and UUIDs, whose digits number nothing. */
const HASH =
	/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?<![0-9a-z])(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{12,}(?![0-9a-z])/gi;
/** A number that is a word, or ends one that is otherwise of letters: `000012`, `frame12`. */
const NUMBER = /(?<![\p{L}\p{N}])(\p{L}*)(\d+)(?![\p{L}\p{N}])/gu;

/**
 * The frame numbers in the names of a video's pictures, in their order. All names must follow one pattern, equal but for their
 * numbers (`cam2_000012.jpg`); of several numbers that differ, the one behind "frame" counts. Null if there is no such pattern or
 * two names have one number.
 */
export function frameNumbers(names: readonly string[]): number[] | null {
	const parsed = names.map(parseName);
	const pattern = parsed[0]?.pattern;
	if (pattern === undefined || parsed.some((name) => name.pattern !== pattern)) return null;
	const { labels } = parsed[0]!;
	const places = [...labels.keys()];
	const differing = places.filter((place) =>
		parsed.some(({ numbers }) => numbers[place] !== parsed[0]!.numbers[place]),
	);
	const candidates = names.length === 1 ? places : differing;
	const named = candidates.filter((place) => /^(?:f|fr|frm|frame)$/i.test(labels[place]!));
	const [place, ...others] = named.length > 0 ? named : candidates;
	if (place === undefined || others.length > 0) return null;
	const numbers = parsed.map((name) => name.numbers[place]!);
	return new Set(numbers).size === numbers.length ? numbers : null;
}

/** A name without its numbers, the numbers, and what stands before each: "frame" in `frame_12` as in `frame12`. */
function parseName(name: string): { pattern: string; labels: string[]; numbers: number[] } {
	const numbers: number[] = [];
	const labels: string[] = [];
	const stem = basename(name, extname(name)).replace(EXPORT_SUFFIX, '').replaceAll(HASH, '*');
	const pattern = stem.replaceAll(NUMBER, (_, letters: string, digits: string, at: number) => {
		numbers.push(Number(digits));
		labels.push(letters || (/(\p{L}+)[^\p{L}\p{N}]*$/u.exec(stem.slice(0, at))?.[1] ?? ''));
		return `${letters}#`;
	});
	return { pattern, labels, numbers };
}

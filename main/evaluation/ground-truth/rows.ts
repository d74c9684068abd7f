import { truthUnreadable } from './ground-truth.ts';

/** A line of numbers, and its number in the file, from 1. */
export type Row = { cells: number[]; line: number };

/** What the first seven columns are called in headers, in their order, without spaces and marks. */
const HEADS: readonly (readonly string[])[] = [
	['frame', 'frameid', 'frameindex', 'frameno', 'framenumber', 'fn'],
	['id', 'trackid', 'targetid', 'objectid', 'identity'],
	['bbleft', 'bboxleft', 'boxleft', 'left', 'x', 'x1', 'xmin', 'xtl'],
	['bbtop', 'bboxtop', 'boxtop', 'top', 'y', 'y1', 'ymin', 'ytl'],
	['bbwidth', 'bboxwidth', 'boxwidth', 'width', 'w'],
	['bbheight', 'bboxheight', 'boxheight', 'height', 'h'],
	['conf', 'confidence', 'score', 'consider', 'active', 'flag', 'notignored'],
];
const LINE_END = /\r\n?|\n/;
/** Fewer are no box of a frame. */
const LEAST_COLUMNS = 6;

/** Whether the first line, or the second below a header, is numbers enough for boxes of frames. */
export function looksLikeRows(text: string): boolean {
	const lines = text.split(/\r?\n/, 8).filter((line) => line.trim() !== '').slice(0, 2); // prettier-ignore
	return lines.some((line) => {
		const cells = splitLine(line, delimiterOf(line));
		return cells.length >= LEAST_COLUMNS && cells.every(isNumber);
	});
}

/**
 * The numbers of a text of lines: columns parted by commas, semicolons, tabs or spaces, by what the first line has. A header is
 * allowed if its names say what the format has in these places. Throws `truth-unreadable` for lines with other numbers
 * of columns than the first, and for what is no number; `expected` says what a line holds.
 */
export function readRows(text: string, path: string, expected: string): Row[] {
	const lines = text
		.split(LINE_END)
		.flatMap((line, i) => (line.trim() === '' ? [] : [{ line, number: i + 1 }]));
	const delimiter = delimiterOf(lines[0]?.line ?? '');
	const rows: Row[] = [];
	for (const [i, { line, number }] of lines.entries()) {
		const texts = splitLine(line, delimiter);
		const place = `${path}, line ${number}`;
		if (i === 0 && !texts.some(isNumber)) {
			checkHeader(texts, place);
			continue;
		}
		const columns = rows[0]?.cells.length ?? texts.length;
		if (texts.length !== columns) {
			throw truthUnreadable(place, `${columns} columns, as in the lines above,`, `${texts.length}`);
		}
		if (columns < LEAST_COLUMNS) throw truthUnreadable(place, expected, `${columns} columns`);
		const bad = texts.findIndex((cell) => !isNumber(cell));
		if (bad >= 0) throw truthUnreadable(place, `a number in column ${bad + 1}`, `"${texts[bad]}"`);
		rows.push({ cells: texts.map(Number), line: number });
	}
	return rows;
}

/** Otherwise corners, centres or other orders would be taken for left, top, width and height. */
function checkHeader(names: readonly string[], place: string): void {
	for (const [i, known] of HEADS.entries()) {
		if (i >= names.length) break;
		const plain = names[i]!.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
		if (known.includes(plain)) continue;
		throw truthUnreadable(
			place,
			`${known[0]} (or another name for it) as the name of column ${i + 1}`,
			`"${names[i]}"`,
		);
	}
}

function delimiterOf(line: string): string | RegExp {
	return [';', ',', '\t'].find((mark) => line.trim().includes(mark)) ?? /\s+/;
}

/** One delimiter at the end closes the line and opens no column. */
function splitLine(line: string, delimiter: string | RegExp): string[] {
	const cells = line.trim().split(delimiter).map((cell) => cell.trim()); // prettier-ignore
	if (cells.at(-1) === '') cells.pop();
	return cells;
}

function isNumber(cell: string): boolean {
	return cell !== '' && Number.isFinite(Number(cell));
}

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TruthRemark } from '../../domain/truth-coverage.ts';
import type { Size } from '../../domain/video.ts';
import { COUNTED, IGNORED, TruthBuilder, truthUnreadable, type GroundTruth, type TruthFormat, type TruthObjects } from './ground-truth.ts'; // prettier-ignore
import { MOT_FORMS, namedClasses, type MotForm } from './mot-forms.ts';
import { looksLikeRows, readRows, type Row } from './rows.ts';
import { readText } from './text.ts';

/** A day of video; a larger number is a mistake that would take gigabytes of empty frames. */
const MAX_FRAME = 24 * 3600 * 60;
const EXPECTED_LINE = 'frame,id,left,top,width,height and then up to 4 further numbers';
const MOST_COLUMNS = 10;

/**
 * Boxes of a video, one per line: `frame, id, left, top, width, height, …`, frames from 1 (motchallenge.net/instructions). What
 * stands behind differs between data sets: `MOT_FORMS` tells them apart by what holds for the whole file. Confidence 0 means
 * `IGNORED`. Frames without a line, up to the last frame or to the sequence length in the `seqinfo.ini` of the folder above, are
 * empty. Boxes are taken as written: the benchmark counts pixels from 1, which shifts boxes by less than annotators differ.
 */
export const mot: TruthFormat = {
	id: 'mot',
	title: 'MOTChallenge gt.txt',
	expects: `a MOT text (${EXPECTED_LINE})`,
	recognises: looksLikeRows,
	parse(text, path, { firstFrame = 1 }): GroundTruth {
		const rows = readRows(text, path, EXPECTED_LINE);
		for (const row of rows) checkRow(row, firstFrame, path);
		const form = formOf(rows, path);
		const builders = new Map<number, TruthBuilder>();
		let lastFrame = firstFrame - 1;
		let unscored = 0;
		for (const { cells, line } of rows) {
			const [frame, , left, top, width, height, confidence] = cells as [number, number, number, number, number, number, number?]; // prettier-ignore
			lastFrame = Math.max(lastFrame, frame);
			const objects = form.objectsOf(cells, `${path}, line ${line}`);
			if (objects.length === 0) unscored++;
			const builder = builders.get(frame) ?? new TruthBuilder();
			builders.set(frame, builder);
			for (const { classIndex, role } of objects) {
				const counts = confidence === 0 && role === COUNTED ? IGNORED : role;
				builder.add(classIndex, left, top, width, height, counts);
			}
		}
		const sequence = readSequence(path);
		const empty = new TruthBuilder().build();
		const frames = new Map<number, TruthObjects>();
		for (let frame = 0; frame < Math.max(lastFrame - firstFrame + 1, sequence.length); frame++) {
			frames.set(frame, builders.get(frame + firstFrame)?.build() ?? empty);
		}
		const remarks: TruthRemark[] = form.namesClasses ? [] : [{ kind: 'all-persons' }];
		if (unscored > 0) remarks.push({ kind: 'unscored-boxes', count: unscored });
		return {
			path,
			format: 'mot',
			form: form.title,
			remarks,
			classNames: form.classNames,
			frames,
			pictureSize: sequence.pictureSize,
		};
	},
};

function checkRow({ cells, line }: Row, firstFrame: number, path: string): void {
	const place = `${path}, line ${line}`;
	if (cells.length > MOST_COLUMNS) throw truthUnreadable(place, EXPECTED_LINE, `${cells.length} columns`);
	const [frame, id, , , width, height] = cells as [number, number, number, number, number, number];
	if (!Number.isInteger(frame) || frame < firstFrame || frame > MAX_FRAME) {
		const expected = `a frame number from ${firstFrame} to ${MAX_FRAME}`;
		throw truthUnreadable(place, expected, `${frame}`, frame === 0 ? 'Say that the first frame has the number 0.' : undefined); // prettier-ignore
	}
	if (!Number.isInteger(id)) throw truthUnreadable(place, 'a whole number as id', `${id}`);
	if (width < 0 || height < 0) {
		throw truthUnreadable(place, 'a width and a height of at least 0', `${width} × ${height}`);
	}
}

function formOf(rows: readonly Row[], path: string): MotForm {
	const cells = rows.map((row) => row.cells);
	// Shares of the picture, or VisDrone's files for single pictures, which have a score in this place.
	if (cells.every(([, , , , width]) => width! <= 1)) {
		throw truthUnreadable(path, 'boxes in pixels, in columns 3 to 6,', 'no width above 1');
	}
	const names = readLabels(path);
	if (names && cells[0]!.length > 7) return namedClasses(names);
	const form = MOT_FORMS.find(({ fits }) => fits(cells));
	if (form) return form;
	throw truthUnreadable(
		path,
		`in columns 7 to ${cells[0]!.length} what ${MOT_FORMS.map(({ title }) => title).join(', ')} has there`,
		`such as ${cells[0]!.slice(6).join(',')}`,
		'Put a file labels.txt beside it, with the name of a class in each line, for classes numbered from 1.',
	);
}

/** Names of classes, which CVAT writes into a `labels.txt` beside the `gt.txt`; null without it. */
function readLabels(path: string): string[] | null {
	const place = join(dirname(path), 'labels.txt');
	if (!existsSync(place) || place === path) return null;
	return readText(place)
		.split(/\r\n?|\n/)
		.map((name) => name.trim())
		.filter((name) => name !== '');
}

/** What a `seqinfo.ini` beside the `gt` folder says; the benchmark's sequences have one. */
function readSequence(path: string): { length: number; pictureSize: Size | null } {
	const info = join(dirname(path), '..', 'seqinfo.ini');
	const text = existsSync(info) ? readFileSync(info, 'utf8') : '';
	const value = (name: string): number => Number(new RegExp(`^${name}=(\\d+)`, 'm').exec(text)?.[1] ?? 0);
	const pictureSize = { width: value('imWidth'), height: value('imHeight') };
	return {
		length: Math.min(value('seqLength'), MAX_FRAME),
		pictureSize: pictureSize.width > 0 && pictureSize.height > 0 ? pictureSize : null,
	};
}

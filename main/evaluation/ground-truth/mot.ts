import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Size } from '../../domain/video.ts';
import {
	COUNTED,
	IGNORED,
	TruthBuilder,
	truthUnreadable,
	type GroundTruth,
	type TruthFormat,
	type TruthObjects,
} from './ground-truth.ts';

// MOTChallenge: one object per line, `frame, id, left, top, width, height, confidence, …`, frames from 1. In 2D MOT
// 2015 a world position follows (10 columns; 7 without it); in MOT16 and later class and visibility (9 columns), with
// classes as in "MOT16: A Benchmark for Multi-Object Tracking" (arXiv 1603.00831), table 3. Boxes are taken as written:
// the benchmark counts pixels from 1, which shifts boxes by less than annotators differ.
const PEDESTRIAN = 1;
/** Person on vehicle, static person, distractor, reflection, crowd: the benchmark scores none of them. */
const NEITHER_RIGHT_NOR_WRONG = [2, 7, 8, 12, 13];
const COLUMNS = [7, 9, 10];
/** A day of video; a larger number is a mistake that would take gigabytes of empty frames. */
const MAX_FRAME = 24 * 3600 * 60;
const EXPECTED_LINE = 'frame,id,left,top,width,height,confidence and then 0, 2 or 3 further numbers';

/**
 * People in a video. Confidence 0 means `IGNORED`. With class ids (9 columns) only pedestrians count; people on
 * vehicles, people who don't move, distractors, reflections and crowds are ignored, and other classes are left out.
 * Without class ids everything is a person. Frames without a line, up to the last frame or to the sequence length in
 * the `seqinfo.ini` of the folder above, are empty.
 */
export const mot: TruthFormat = {
	id: 'mot',
	title: 'MOTChallenge gt.txt',
	expects: `a MOT text (${EXPECTED_LINE})`,
	recognises: (text) => {
		const first = text.trimStart().split(/\r?\n/, 1)[0]!.split(',');
		return first.length >= 6 && first.every((cell) => cell.trim() !== '' && Number.isFinite(Number(cell)));
	},
	parse(text, path): GroundTruth {
		const builders = new Map<number, TruthBuilder>();
		let lastFrame = 0;
		for (const [i, line] of text.split(/\r?\n/).entries()) {
			if (line.trim() === '') continue;
			const cells = readLine(line, `${path}, line ${i + 1}`);
			// prettier-ignore
			const [frame, , left, top, width, height, confidence] = cells as
				[number, number, number, number, number, number, number];
			lastFrame = Math.max(lastFrame, frame);
			const classId = cells.length === 9 ? cells[7]! : PEDESTRIAN;
			const ignored = confidence === 0 || NEITHER_RIGHT_NOR_WRONG.includes(classId);
			if (classId !== PEDESTRIAN && !NEITHER_RIGHT_NOR_WRONG.includes(classId)) continue;
			const builder = builders.get(frame) ?? new TruthBuilder();
			builders.set(frame, builder);
			builder.add(0, left, top, width, height, ignored ? IGNORED : COUNTED);
		}
		const sequence = readSequence(path);
		const empty = new TruthBuilder().build();
		const frames = new Map<number, TruthObjects>();
		for (let frame = 1; frame <= Math.max(lastFrame, sequence.length); frame++) {
			frames.set(frame - 1, builders.get(frame)?.build() ?? empty);
		}
		return { path, format: 'mot', classNames: ['person'], frames, pictureSize: sequence.pictureSize };
	},
};

function readLine(line: string, place: string): number[] {
	const texts = line.split(',').map((cell) => cell.trim());
	if (!COLUMNS.includes(texts.length)) throw truthUnreadable(place, EXPECTED_LINE, `${texts.length} columns`);
	const cells = texts.map(Number);
	const bad = cells.findIndex((cell, i) => texts[i] === '' || !Number.isFinite(cell));
	if (bad >= 0) throw truthUnreadable(place, `a number in column ${bad + 1}`, `"${texts[bad]}"`);
	const frame = cells[0]!;
	if (!Number.isInteger(frame) || frame < 1 || frame > MAX_FRAME) {
		throw truthUnreadable(place, `a frame number from 1 to ${MAX_FRAME}`, `${frame}`);
	}
	if (cells[4]! < 0 || cells[5]! < 0) {
		throw truthUnreadable(place, 'a width and a height of at least 0', `${cells[4]} × ${cells[5]}`);
	}
	return cells;
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

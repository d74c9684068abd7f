import { COUNTED, CROWD, IGNORED, truthUnreadable } from './ground-truth.ts';

/** As what a line's box counts: a class, by its number in `classNames`, and a role. */
type CountedAs = { classIndex: number; role: number };

/** What a data set has behind `frame, id, left, top, width, height`, numbers of all lines in `rows`. */
export type MotForm = {
	title: string;
	/** Whether every row can be of this form; all rows have the same number of cells. */
	fits(rows: readonly (readonly number[])[]): boolean;
	/** Otherwise everything is a person. */
	namesClasses: boolean;
	classNames: readonly string[];
	/** Empty for classes that are not scored. */
	objectsOf(cells: readonly number[], place: string): readonly CountedAs[];
};

const all = (
	rows: readonly (readonly number[])[],
	column: number,
	holds: (cell: number) => boolean,
): boolean => rows.every((cells) => cells[column] === undefined || holds(cells[column]));
const isOneOf =
	(least: number, most: number) =>
	(cell: number): boolean =>
		Number.isInteger(cell) && cell >= least && cell <= most;

/**
 * VisDrone (Zhu et al., "Detection and Tracking Meet Drones Challenge", arXiv 2001.06303): score, category, truncation 0 or 1,
 * occlusion 0 to 2. Category 0 are regions in which nothing is scored, 11 other vehicles, which are not scored either.
 */
const VISDRONE_CLASSES = ['pedestrian', 'people', 'bicycle', 'car', 'van', 'truck', 'tricycle', 'awning-tricycle', 'bus', 'motor']; // prettier-ignore
const OTHERS = 11;
const visDrone: MotForm = {
	title: 'VisDrone',
	namesClasses: true,
	classNames: VISDRONE_CLASSES,
	fits: (rows) =>
		rows[0]?.length === 10 &&
		all(rows, 6, isOneOf(0, 1)) &&
		all(rows, 7, isOneOf(0, OTHERS)) &&
		all(rows, 8, isOneOf(0, 1)) &&
		all(rows, 9, isOneOf(0, 2)) &&
		// Zeros alone are a position that nobody filled in.
		rows.some((cells) => cells[7]! > 0),
	objectsOf(cells) {
		const category = cells[7]!;
		if (category !== 0 && category !== OTHERS) return [{ classIndex: category - 1, role: COUNTED }];
		const role = category === 0 ? CROWD : IGNORED;
		return VISDRONE_CLASSES.map((_, classIndex) => ({ classIndex, role }));
	},
};

/**
 * UAVDT (Du et al., ECCV 2018), `gt_whole.txt`: out-of-view 1 to 3, occlusion 1 to 4, category. MOT16 has a visibility of at most 1
 * in the place of the category, and a confidence of at most 1: a number above tells them apart.
 */
const uavdt: MotForm = {
	title: 'UAVDT',
	namesClasses: true,
	classNames: ['car', 'truck', 'bus'],
	fits: (rows) =>
		rows[0]?.length === 9 &&
		all(rows, 6, isOneOf(1, 3)) &&
		all(rows, 7, isOneOf(1, 4)) &&
		all(rows, 8, isOneOf(1, 3)) &&
		rows.some((cells) => cells[6]! > 1 || cells[8]! > 1),
	objectsOf: (cells) => [{ classIndex: cells[8]! - 1, role: COUNTED }],
};

/**
 * MOT16 and later ("MOT16: A Benchmark for Multi-Object Tracking", arXiv 1603.00831, table 3): confidence, class, visibility 0 to
 * 1, and a −1 that some tools add. Person on vehicle, static person, distractor, reflection and crowd are neither right nor
 * wrong; vehicles are not annotated throughout and are left out.
 */
const PEDESTRIAN = 1;
const NEITHER_RIGHT_NOR_WRONG = [2, 7, 8, 12, 13];
const mot16: MotForm = {
	title: 'MOTChallenge with classes (MOT16 and later)',
	namesClasses: true,
	classNames: ['person'],
	fits: (rows) =>
		rows[0]!.length >= 8 &&
		all(rows, 7, isOneOf(1, 13)) &&
		all(rows, 8, (visibility) => visibility === -1 || (visibility >= 0 && visibility <= 1)) &&
		all(rows, 9, (unused) => unused === -1),
	objectsOf(cells) {
		if (cells[7] === PEDESTRIAN) return [{ classIndex: 0, role: COUNTED }];
		return NEITHER_RIGHT_NOR_WRONG.includes(cells[7]!) ? [{ classIndex: 0, role: IGNORED }] : [];
	},
};

/**
 * 2D MOT 2015 ("MOTChallenge 2015: Towards a Benchmark for Multi-Target Tracking", arXiv 1504.01942): people, with or without
 * confidence and a position in the world, which is −1 or 0 throughout where it is unknown.
 */
const mot15: MotForm = {
	title: 'MOTChallenge without classes (2D MOT 2015)',
	namesClasses: false,
	classNames: ['person'],
	fits: (rows) => {
		const columns = rows[0]?.length ?? 0;
		if (columns <= 7) return true;
		const isUnknown = [-1, 0].some((unknown) =>
			rows.every((cells) => cells.slice(7).every((cell) => cell === unknown)),
		);
		const isPosition =
			columns === 10 && rows.some((cells) => cells.slice(7).some((cell) => !Number.isInteger(cell)));
		return isUnknown || isPosition;
	},
	objectsOf: () => [{ classIndex: 0, role: COUNTED }],
};

/** The first that fits counts. None is like another where it fits, but for files that name no class that tells them apart. */
export const MOT_FORMS: readonly MotForm[] = [visDrone, uavdt, mot16, mot15];

/** Classes numbered from 1, by `names`, as CVAT writes them; confidence 0 as in all forms. */
export function namedClasses(names: readonly string[]): MotForm {
	return {
		title: 'MOTChallenge with labels.txt',
		namesClasses: true,
		classNames: names,
		fits: () => true,
		objectsOf(cells, place) {
			const number = cells[7]!;
			if (isOneOf(1, names.length)(number)) return [{ classIndex: number - 1, role: COUNTED }];
			throw truthUnreadable(place, `a class from 1 to ${names.length}, as labels.txt has them,`, `${number}`);
		},
	};
}

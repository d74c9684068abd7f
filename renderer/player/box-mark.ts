import type { LabelWish } from '../../main/domain/place-labels.ts';

/** What ground truth says of a box: that it is true, false, or the box of an object that was missed. */
export type TruthMark = 'right' | 'wrong' | 'missed';

/** A box on the picture with its label, in canvas pixels. */
export type BoxMark = LabelWish & {
	/** Name or number of who is followed; empty for others. */
	who: string;
	paper: string;
	ink: string;
	/** Whether it rests on tokens that have waited for too long. */
	stale: boolean;
	/** Whether it stands out: a person selected its object. */
	chosen: boolean;
	/** What ground truth says of it; null where nothing is known or asked. */
	truthMark: TruthMark | null;
};

import { allSteps } from '../domain/all-steps.ts';
import { agreementScores, compareDetections } from '../domain/agreement.ts';
import { sharedClasses, type SharedClasses } from '../domain/class-mapping.ts';
import { denseOfModel, denseReference, referenceFor, type Comparable } from '../domain/dense-reference.ts';
import { UserFacingError } from '../domain/errors.ts';
import { higherOf, type LeastScores } from '../domain/least-scores.ts';
import { modelKey, type RunHeader } from '../domain/run.ts';
import type { StoredRun } from '../results/stored-run.ts';

/** How a run compares with a dense run of the same frames. */
export type Agreement = {
	/** Frames that both runs have. */
	framesCompared: number;
	/** Sums over the frames; `f1` and `meanIou` are of all pairs together, not means of frames. */
	matched: number;
	lost: number;
	gained: number;
	f1: number;
	meanIou: number;
	/** Classes that one run knows and the other does not: their boxes are not counted. Empty for runs of one model. */
	leftOut: { own: readonly string[]; reference: readonly string[] };
	/** Columns of equal length, one entry per compared frame. */
	perFrame: {
		frameIndex: Int32Array;
		matched: Int32Array;
		lost: Int32Array;
		gained: Int32Array;
		f1: Float32Array;
		meanIou: Float32Array;
	};
};

/**
 * Compares a run with `denseRun`, frame by frame by index, in the classes that both models know, from `least` on. Without it,
 * what each of them shows is compared, since scores of different models mean different things; of one model's runs, what
 * both would show. Throws `bad-argument` for runs without a common class or frame.
 */
export function agreement(run: StoredRun, denseRun: StoredRun, options: AgreementOptions = {}): Agreement {
	return allSteps(agreementSteps(run, denseRun, options));
}

/** `least` is by class of both, and so for runs of equal classes only. */
export type AgreementOptions = { iou?: number; least?: LeastScores };

/** `agreement` frame by frame, for hosts that do other work in between. */
export function* agreementSteps(
	run: StoredRun,
	denseRun: StoredRun,
	options: AgreementOptions = {},
): Generator<void, Agreement> {
	const { iou = 0.5, least } = options;
	const classes = classesOfBoth(run, denseRun);
	const [ownLeast, denseLeast] = least ? [least, least] : comparedFrom(run.header, denseRun.header);
	const positions: [own: number, dense: number][] = [];
	for (let position = 0; position < run.frameCount; position++) {
		const dense = denseRun.positionOfFrame(run.frames.frameIndex[position]!);
		if (dense >= 0) positions.push([position, dense]);
	}
	if (positions.length === 0) {
		throw new UserFacingError(
			'bad-argument',
			`${run.folder}: frames that ${denseRun.folder} has too were expected (they have none in common).`,
		);
	}
	const rows = positions.length;
	const perFrame: Agreement['perFrame'] = {
		frameIndex: Int32Array.from(positions, ([own]) => run.frames.frameIndex[own]!),
		matched: new Int32Array(rows),
		lost: new Int32Array(rows),
		gained: new Int32Array(rows),
		f1: new Float32Array(rows),
		meanIou: new Float32Array(rows),
	};
	const sum = { matched: 0, lost: 0, gained: 0, iou: 0 };
	for (const [row, [own, dense]] of positions.entries()) {
		const frame = compareDetections(
			run.detections(own).scoredAtLeast(ownLeast).renumbered(classes.first),
			denseRun.detections(dense).scoredAtLeast(denseLeast).renumbered(classes.second),
			iou,
		);
		perFrame.matched[row] = frame.matched;
		perFrame.lost[row] = frame.lost;
		perFrame.gained[row] = frame.gained;
		perFrame.f1[row] = frame.f1;
		perFrame.meanIou[row] = frame.meanIou;
		sum.matched += frame.matched;
		sum.lost += frame.lost;
		sum.gained += frame.gained;
		sum.iou += frame.matched * frame.meanIou;
		yield;
	}
	return {
		framesCompared: rows,
		matched: sum.matched,
		...agreementScores(sum.matched, sum.iou, sum.gained, sum.lost),
		leftOut: { own: classes.leftOut.first, reference: classes.leftOut.second },
		perFrame,
	};
}

/** Runs of one model may show their classes from different scores on: an earlier version's, or one that stored fewer. */
function comparedFrom(own: RunHeader, dense: RunHeader): [own: LeastScores, dense: LeastScores] {
	if (modelKey(own.model) !== modelKey(dense.model)) return [own.displayThresholds, dense.displayThresholds];
	const both = higherOf(own.displayThresholds, dense.displayThresholds);
	return [both, both];
}

/** What a comparison of stored runs shows as its reference; null if there is none. */
export function denseReferenceOf(runs: readonly StoredRun[]): StoredRun | null {
	return denseReference(runs, comparable);
}

/** By run, what it is measured against: another of `runs`, itself, or nothing. */
export function referencesOf(runs: readonly StoredRun[]): (StoredRun | null)[] {
	return runs.map((run) => referenceFor(run, runs, comparable));
}

/** By run, the dense run of its model among `runs`, or nothing. */
export function denseRunsOf(runs: readonly StoredRun[]): (StoredRun | null)[] {
	return runs.map((run) => denseOfModel(comparable(run).model, runs, comparable));
}

function comparable({ header: { mode, model, settings, precision } }: StoredRun): Comparable {
	return { mode, model: modelKey(model), settings, precision };
}

function classesOfBoth(run: StoredRun, denseRun: StoredRun): SharedClasses {
	const shared = sharedClasses(run.header.model.classes, denseRun.header.model.classes);
	if (shared.names.length > 0) return shared;
	throw new UserFacingError(
		'bad-argument',
		`${run.folder}: a class that ${denseRun.folder} has too was expected (its model knows ${classNames(run)}, the other ${classNames(denseRun)}).`,
	);
}

const NAMED_CLASSES = 3;

function classNames({ header }: StoredRun): string {
	const { classes } = header.model;
	const more = classes.length - NAMED_CLASSES;
	return classes.slice(0, NAMED_CLASSES).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

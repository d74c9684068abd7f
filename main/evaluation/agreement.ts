import { denseReference } from '../domain/dense-reference.ts';
import { boxIou, type Detections } from '../domain/detections.ts';
import { UserFacingError } from '../domain/errors.ts';
import type { LeastScores } from '../domain/least-scores.ts';
import type { StoredRun } from '../results/stored-run.ts';

/** How one frame's detections compare with those of a reference. */
export type FrameAgreement = {
	/** Pairs of the same class with enough overlap. */
	matched: number;
	/** Reference detections without a partner. */
	lost: number;
	/** Detections without a partner in the reference. */
	gained: number;
	/** Over the pairs, 0 to 1; 1 if both are empty, 0 if nothing matched. */
	meanIou: number;
	/** Twice the pairs over all detections of both, 0 to 1; 1 if both are empty. */
	f1: number;
};

/**
 * Pairs `found` with `reference`, class by class: best score first, each takes the free reference detection of
 * its class that it overlaps most, if that is at least `iou`.
 */
export function compareDetections(found: Detections, reference: Detections, iou = 0.5): FrameAgreement {
	const taken = new Uint8Array(reference.count);
	const byScore = Array.from(found.scores.keys()).sort((a, b) => found.scores[b]! - found.scores[a]!);
	let matched = 0;
	let iouSum = 0;
	for (const i of byScore) {
		let best = -1;
		let bestIou = iou;
		for (let j = 0; j < reference.count; j++) {
			if (taken[j] || reference.classIndices[j] !== found.classIndices[i]) continue;
			const overlap = boxIou(found.boxesXyxy, i, reference.boxesXyxy, j);
			if (overlap > bestIou || (best < 0 && overlap === bestIou)) {
				best = j;
				bestIou = overlap;
			}
		}
		if (best < 0) continue;
		taken[best] = 1;
		matched++;
		iouSum += bestIou;
	}
	return { matched, ...scores(matched, iouSum, found.count - matched, reference.count - matched) };
}

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
 * Compares a run with `denseRun`, frame by frame by index, from `least` on (default: what each of them shows,
 * since scores of different models mean different things). Throws `bad-argument` for runs of different classes or
 * without a common frame.
 */
export function agreement(run: StoredRun, denseRun: StoredRun, options: AgreementOptions = {}): Agreement {
	const steps = agreementSteps(run, denseRun, options);
	for (;;) {
		const step = steps.next();
		if (step.done) return step.value;
	}
}

export type AgreementOptions = { iou?: number; least?: LeastScores };

/** `agreement` frame by frame, for hosts that do other work in between. */
export function* agreementSteps(
	run: StoredRun,
	denseRun: StoredRun,
	options: AgreementOptions = {},
): Generator<void, Agreement> {
	const { iou = 0.5, least } = options;
	requireSameClasses(run, denseRun);
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
			run.detections(own).scoredAtLeast(least ?? run.header.displayThresholds),
			denseRun.detections(dense).scoredAtLeast(least ?? denseRun.header.displayThresholds),
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
		...scores(sum.matched, sum.iou, sum.gained, sum.lost),
		perFrame,
	};
}

function scores(
	matched: number,
	iouSum: number,
	gained: number,
	lost: number,
): { lost: number; gained: number; f1: number; meanIou: number } {
	const all = 2 * matched + lost + gained;
	return {
		lost,
		gained,
		f1: all === 0 ? 1 : (2 * matched) / all,
		meanIou: all === 0 ? 1 : matched === 0 ? 0 : iouSum / matched,
	};
}

/** The dense run that the others of a comparison are measured against; null if there is none. */
export function denseReferenceOf(runs: readonly StoredRun[]): StoredRun | null {
	return denseReference(runs, ({ header }) => ({ mode: header.mode, model: header.model.sha256 }));
}

/** Whether `agreement` can compare them. */
export function haveSameClasses(run: StoredRun, denseRun: StoredRun): boolean {
	const [own, dense] = [run.header.model.classes, denseRun.header.model.classes];
	return own.length === dense.length && own.every((name, i) => name === dense[i]);
}

function requireSameClasses(run: StoredRun, denseRun: StoredRun): void {
	if (haveSameClasses(run, denseRun)) return;
	const [own, dense] = [run.header.model.classes, denseRun.header.model.classes];
	throw new UserFacingError(
		'bad-argument',
		`${run.folder}: the ${dense.length} classes of ${denseRun.folder} were expected (got ${own.length}, or other ones).`,
	);
}

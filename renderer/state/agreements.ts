import { denseReference, isWhole, referenceFor, type Comparable } from '../../main/domain/dense-reference.ts';
import type { HostApi, RunAgreement, RunEntry } from '../../preload/contract.ts';
import { toErrorData } from '../api.ts';
import type { Pane, PaneAgreement } from './pane.svelte.ts';
import type { TruthFrom } from '../../preload/truth-contract.ts';
import { lastUpTo } from './sorted.ts';

/**
 * The reference run of the others: a dense run in a pane, else a stored one, of the model that is reduced in the panes;
 * without one, the first pane's reduced run.
 */
export function referenceRunId(panes: readonly Pane[], stored: readonly RunEntry[]): string | null {
	const finished = finishedEntries(panes);
	const dense = denseReference(finished, comparable, completeOf(stored));
	if (dense) return dense.runId;
	return finished.length > 1 ? finished.find(({ mode }) => mode !== 'dense')!.runId : null;
}

const finishedEntries = (panes: readonly Pane[]): RunEntry[] =>
	panes.flatMap(({ run }) => (run && !run.entry.active ? [run.entry] : []));
const completeOf = (stored: readonly RunEntry[]): RunEntry[] =>
	stored.filter(({ status }) => status.state === 'complete');
const comparable = ({ mode, modelId: model, settings, precision }: RunEntry): Comparable => ({
	mode,
	model,
	settings,
	precision,
});

/**
 * The run that a pane's run is measured against, as `referenceFor` says; where nothing in sight ran whole, the first pane's reduced
 * run, for others of its model. Null without any.
 */
export function referenceOfRun(
	entry: RunEntry,
	panes: readonly Pane[],
	stored: readonly RunEntry[],
	common: string | null,
): string | null {
	const finished = finishedEntries(panes);
	const own = referenceFor(entry, finished, comparable, completeOf(stored));
	if (own) return own.runId;
	const shared = finished.find(({ runId }) => runId === common);
	return shared && !isWhole(shared) && shared.modelId === entry.modelId ? common : null;
}

/** Requests the agreement of every finished run in the panes with its reference, unless it is known already. */
export async function updateAgreements(
	host: HostApi,
	panes: readonly Pane[],
	referenceOf: (run: RunEntry) => string | null,
	truth: { truthId: string; from: TruthFrom } | null,
): Promise<void> {
	// Only average precision depends on what stands beside.
	const besideIds =
		truth === null ? [] : panes.flatMap(({ run }) => (run && !run.entry.active ? [run.runId] : []));
	for (const pane of panes) {
		const run = pane.run;
		// Ground truth judges a run that nothing else can be measured against, too.
		const reference = run && !run.entry.active ? (referenceOf(run.entry) ?? (truth && run.runId)) : null;
		if (!run || !reference) {
			pane.agreement = null;
			continue;
		}
		const before = pane.agreement;
		const { truthId, from: truthFrom } = truth ?? { truthId: null, from: null };
		const request = { runId: run.runId, referenceRunId: reference, truthId, truthFrom, besideIds };
		if (before && isAnswerOf(before, request)) continue;
		pane.agreement = null;
		if (run.runId === reference && truthId === null) continue;
		try {
			const result = await host.request('run.agreement', request);
			if (pane.run === run) pane.agreement = { ...request, result };
		} catch (reason) {
			const error = toErrorData(reason);
			// Runs of other ranges have no common frames, and some models no common classes: the columns stay
			// empty.
			if (error.code !== 'bad-argument' && pane.run === run) pane.error = error;
		}
	}
}

function isAnswerOf(known: PaneAgreement, request: Omit<PaneAgreement, 'result'>): boolean {
	return (
		known.runId === request.runId &&
		known.referenceRunId === request.referenceRunId &&
		known.truthId === request.truthId &&
		known.truthFrom === request.truthFrom &&
		known.besideIds.join() === request.besideIds.join()
	);
}

/** How a run agrees with the reference in one frame: F1 and mean IoU, 0 to 1; boxes lost and gained. */
export type FrameAgreement = { f1: number; lost: number; gained: number; meanIou: number };

/** The agreement of the frame `frameIndex`; null if it was not compared. */
export function agreementAt(
	{ frameIndices, f1, lost, gained, meanIou }: RunAgreement['perFrame'],
	frameIndex: number,
): FrameAgreement | null {
	const at = lastUpTo(frameIndices, frameIndex);
	if (at < 0 || frameIndices[at] !== frameIndex) return null;
	return { f1: f1[at]!, lost: lost[at]!, gained: gained[at]!, meanIou: meanIou[at]! };
}

/**
 * The next frame after `frameIndex` where one of the panes lost or gained a box; wraps around; null where all
 * agree everywhere.
 */
export function nextDisagreement(panes: readonly Pane[], frameIndex: number): number | null {
	let next = Number.POSITIVE_INFINITY;
	let first = Number.POSITIVE_INFINITY;
	for (const { agreement } of panes) {
		if (!agreement) continue;
		const { frameIndices, lost, gained } = agreement.result.perFrame;
		for (let i = 0; i < frameIndices.length; i++) {
			if (lost[i]! + gained[i]! === 0) continue;
			const frame = frameIndices[i]!;
			first = Math.min(first, frame);
			if (frame > frameIndex) {
				next = Math.min(next, frame);
				break;
			}
		}
	}
	if (Number.isFinite(next)) return next;
	return Number.isFinite(first) ? first : null;
}

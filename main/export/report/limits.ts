import { clockSentence } from '../../domain/clock-words.ts';
import { isWhole } from '../../domain/dense-reference.ts';
import { ON_CPU } from '../../domain/execution.ts';
import { executionWords } from '../../domain/execution-words.ts';
import { shortfallSentence } from '../../domain/shortfall.ts';
import type { FrameRange, Position } from '../../domain/video.ts';
import { html, join, type Html } from './html.ts';
import type { ReportRun } from './report-runs.ts';

/** What a reader must know before they rely on the runs: what was not looked at, not checked, or not measured. */
export function limitsSection(runs: readonly ReportRun[], edits: readonly number[]): Html {
	const told = runs.map((run, i) => ({ run, sentences: limitsOf(run, edits[i] ?? 0) }));
	// What holds for all runs is said once.
	const [first, ...others] = told;
	const common = first!.sentences.filter((sentence) =>
		others.every(({ sentences }) => sentences.includes(sentence)),
	);
	const lists = told.flatMap(({ run, sentences }) => {
		const own = sentences.filter((sentence) => !common.includes(sentence));
		return own.length === 0
			? []
			: [
					html`<h3><span class="${`key ${run.colour}`}"></span>${run.label}</h3>
						${list(own)}`,
				];
	});
	return html`<h2>What this does not say</h2>
		<section class="limits">${common.length > 0 ? list(common) : null} ${join(lists)}</section>`;
}

function list(sentences: readonly string[]): Html {
	return html`<ul>
		${join(sentences.map((sentence) => html`<li>${sentence}</li>`))}
	</ul>`;
}

/** In plain words, out of what the run stored. `edits`: how often its tracks were changed by hand. */
export function limitsOf(told: ReportRun, edits: number): string[] {
	return [
		...whatWasNotSeen(told),
		...whatWasNotChecked(told),
		...whatIsNotKnown(told),
		...(edits > 0
			? [`Tracks were changed by hand ${times(edits)}: identities and counts rest on a person's word there.`]
			: []),
	];
}

function whatWasNotSeen({ run: { header, status, frameCount } }: ReportRun): string[] {
	const said: string[] = [];
	const { range, letterbox, video } = header;
	const span = spanOf(range);
	if (span) said.push(`Only the part ${span} was asked for; the rest of the video was not analysed.`);
	if (range.every > 1)
		said.push(
			`One frame in ${range.every} was analysed: what was visible only in between was not seen, and events lie between two analysed frames.`,
		);
	if (status.state !== 'complete')
		said.push(`The run is unfinished (${status.state}): it ends after ${frameCount} frames.`);
	const { framesLost = 0, clockRestarts = [] } = status.decode ?? {};
	if (framesLost > 0)
		said.push(
			`${framesLost} ${framesLost === 1 ? 'frame was' : 'frames were'} lost to damaged data and not analysed.`,
		);
	if (clockRestarts.length > 0) said.push(clockSentence(clockRestarts, 'en'));
	const scale = letterbox.contentSize.width / video.displaySize.width;
	if (scale < 0.995)
		said.push(
			`The network saw the picture at ${(100 * scale).toFixed(0)} % of its size: small objects may be missing.`,
		);
	said.push(
		`Objects that the model scored below ${lowestShown(header.displayThresholds)} are not shown or counted; it knows ${header.model.classes.length} classes and nothing else.`,
	);
	return said;
}

function whatWasNotChecked({ run, summary: { drift, frames }, reference, agreement }: ReportRun): string[] {
	const { header, status } = run;
	const said: string[] = [];
	if (!isWhole(header) && drift) {
		const lower = run.frames.drift?.lower.reduce((low, value) => (value < low ? value : low), 1) ?? 1;
		const { count, f1 } = drift.audits;
		said.push(
			count === 0
				? `No frame was audited: that the estimated agreement with dense is ${drift.agreement.mean.toFixed(3)} was never checked; its lower bound falls to ${lower.toFixed(3)}.`
				: `${count} of ${frames} frames were audited (agreement ${f1 === null ? 'unknown' : f1.toFixed(3)}); between audits, agreement with dense is an estimate, and its lower bound falls to ${lower.toFixed(3)}.`,
		);
		if (drift.warning) said.push(shortfallSentence(drift.warning, 'en', agreement?.f1 ?? null));
	}
	if (!isWhole(header) && reference === null)
		said.push('No dense run lies beside it: what reuse of earlier frames cost in accuracy was not measured.');
	const { precision, provider } = header;
	if (precision !== ON_CPU.precision) said.push(`It was computed in ${precision}, which rounds.`);
	if (provider !== ON_CPU.provider || status.executionChanges.length > 0)
		said.push(
			`It ran on ${executionWords(header, status.executionChanges, 'en')}; providers round differently, and times belong to them.`,
		);
	if (header.model.doubt !== undefined)
		said.push(`How the model was read is only likely: ${header.model.doubt}.`);
	return said;
}

function whatIsNotKnown({ evaluation }: ReportRun): string[] {
	if (!evaluation) return ['There is no ground truth: how many of the boxes are right is not known.'];
	const { framesCounted, framesOfRun, unknownClasses, unsharedClasses, classes } = evaluation;
	const said: string[] = [];
	if (framesCounted < framesOfRun)
		said.push(
			`Ground truth covers ${framesCounted} of ${framesOfRun} frames; nothing is known of the others.`,
		);
	const left = [...unknownClasses, ...unsharedClasses];
	if (left.length > 0) said.push(`Classes of the truth that are not measured: ${left.join(', ')}.`);
	const empty = classes.filter(({ truthCount }) => truthCount === 0).map(({ className }) => className);
	if (empty.length > 0)
		said.push(`The truth has no object of ${empty.join(', ')}: nothing is known of these.`);
	return said;
}

function spanOf({ from, to }: FrameRange): string | null {
	const position = (at: Position) => ('frame' in at ? `frame ${at.frame}` : `${at.seconds} s`);
	if ('frame' in from && from.frame === 0 && to === null) return null;
	return `from ${position(from)} to ${to === null ? 'the end' : position(to)}`;
}

function lowestShown(thresholds: readonly number[]): string {
	const [low, high] = [Math.min(...thresholds), Math.max(...thresholds)];
	return low === high ? String(low) : `${low} to ${high}, by class,`;
}

function times(count: number): string {
	return count === 1 ? 'once' : `${count} times`;
}

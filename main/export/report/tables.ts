import { clockSentence } from '../../domain/clock-words.ts';
import { GIGA, STAGES } from '../../domain/cost.ts';
import { ON_CPU } from '../../domain/execution.ts';
import { readable, timesOfDay, type RecordingClock } from '../../domain/recording-clock.ts';
import type { RunHeader } from '../../domain/run.ts';
import type { SettingValues } from '../../domain/settings-table.ts';
import { shortfallSentence } from '../../domain/shortfall.ts';
import { coverageOfRuns } from '../../domain/truth-coverage.ts';
import type { FrameRange, Position } from '../../domain/video.ts';
import { formatTime } from '../drawing/draw-overlay.ts';
import { html, join, type Html } from './html.ts';
import type { StoredRun } from '../../results/stored-run.ts';
import { clockOf } from '../times-of-day.ts';
import type { ReportRun } from './report-runs.ts';

const NONE = '–';

/** What was analysed, with what, and what went wrong on the way. */
export function videoFacts(runs: readonly ReportRun[], clock: RecordingClock | null | undefined): Html {
	const { run } = runs[0]!;
	const { video, model, threads, versions, letterbox, grid, denseMacs, behindMacs } = run.header;
	const { frameIndex, timeSeconds } = run.frames;
	const last = run.frameCount - 1;
	const span =
		last < 0
			? 'no frame'
			: `${frameIndex[0]!} to ${frameIndex[last]!}, ${formatTime(timeSeconds[0]!)} to ${formatTime(timeSeconds[last]!)}${everyOf(run.header.range)}`;
	const { width, height } = video.displaySize;
	const { contentSize, inputSize } = letterbox;
	const scaled = contentSize.width !== width || contentSize.height !== height;
	const damage = runs.flatMap(({ run: { status }, label }) => {
		const said: string[] = [];
		if (status.decode && status.decode.framesLost > 0)
			said.push(`${status.decode.framesLost} frames could not be decoded`);
		if (status.decode?.hardware) said.push(`decoded by ${status.decode.hardware}`);
		if (status.decode && status.decode.clockRestarts.length > 0)
			said.push(clockSentence(status.decode.clockRestarts, 'en'));
		if (status.state !== 'complete')
			said.push(`unfinished (${status.state}) after ${status.framesStored} frames`);
		if (status.error !== null) said.push(status.error);
		return said.map((words) => `${label}: ${words}`);
	});
	const left = [
		['Video', video.path],
		['Picture', `${width} × ${height} pixels, ${video.codec}, ${video.pixelFormat}`],
		[
			'Rate',
			video.nominalFramesPerSecond === null
				? 'not stated'
				: `${plain(video.nominalFramesPerSecond, 3)} frames a second`,
		],
		['Frames', span],
		...(last < 0 ? [] : recordedFact(run, clock)),
	];
	const behind =
		behindMacs > 0
			? `, ${(behindMacs / GIGA).toFixed(2)} of them behind the transformer, computed whole`
			: '';
	const ranOn = [...new Set(runs.map(({ run: one }) => one.executionWords))];
	const right = [
		['Model', `${model.name} (${model.classes.length} classes, sha256 ${model.sha256.slice(0, 12)})`],
		[
			'Input',
			`${scaled ? `${contentSize.width} × ${contentSize.height} in ` : ''}${inputSize.width} × ${inputSize.height} pixels, ${grid.rows * grid.cols} tokens (${grid.cols} × ${grid.rows})`,
		],
		['Dense frame', `${(denseMacs / GIGA).toFixed(2)} GMAC${behind}`],
		['Machine', `${ranOn.join('; ')}, ${threads === 1 ? '1 thread' : `${threads} threads`}`],
		[
			'Versions',
			`Sparsight ${versions.sparsight}, ONNX Runtime ${versions.onnxruntime}, ffmpeg ${versions.ffmpeg}, Node.js ${versions.node}`,
		],
	];
	return html`<div class="columns">${facts(left)}${facts(right)}</div>
		${damage.length > 0 ? html`<p class="strong">${damage.join('; ')}.</p>` : null}`;
}

/** When the first and the last analysed frame were recorded, and who says so. */
function recordedFact(run: StoredRun, given: RecordingClock | null | undefined): string[][] {
	const clock = clockOf(run, given);
	if (!clock) return [];
	const timeOfDay = timesOfDay(clock, run.header.video);
	const { timeSeconds } = run.frames;
	const [from, to] = [timeSeconds[0]!, timeSeconds[run.frameCount - 1]!].map((time) =>
		readable(timeOfDay(time)),
	);
	const source = clock.source === 'file' ? 'as the file says' : 'as stated';
	return [['Recorded', `${from!} to ${to!} (${clock.timeZone}, ${source})`]];
}

function facts(rows: string[][]): Html {
	const lines = rows.map(
		([name, value]) =>
			html`<tr>
				<th scope="row">${name!}</th>
				<td>${value!}</td>
			</tr>`,
	);
	return html`<div class="scroll">
		<table class="facts">
			<tbody>
				${join(lines)}
			</tbody>
		</table>
	</div>`;
}

type Column = {
	group: string;
	head: string;
	/** Null if it does not apply to this run. */
	cell(run: ReportRun): string | null;
	isStrong?: boolean;
	/** Whether the column is shown; absent = always. */
	isFor?(runs: readonly ReportRun[]): boolean;
};

/** What readers ask first comes first: how much faster, how similar, and only then where the time went. */
const COLUMNS: Column[] = [
	{
		group: 'speed-up',
		head: 'total',
		cell: ({ speedUp, isReference }) => (isReference ? null : speedUp && times(speedUp.total)),
		isStrong: true,
	},
	{
		group: 'speed-up',
		head: 'run',
		cell: ({ speedUp, isReference }) => (isReference ? null : speedUp && times(speedUp.run)),
	},
	{
		group: 'rate',
		head: 'frames/s',
		cell: ({ summary: { frames, wallSeconds } }) =>
			frames > 0 && wallSeconds > 0 ? (frames / wallSeconds).toFixed(1) : null,
		isStrong: true,
	},
	{
		group: 'agreement with dense',
		head: 'F1',
		cell: ({ agreement }) => agreement && agreement.f1.toFixed(3),
		isStrong: true,
	},
	{
		group: 'agreement with dense',
		head: 'lost',
		cell: ({ agreement }) => agreement && String(agreement.lost),
	},
	{
		group: 'agreement with dense',
		head: 'gained',
		cell: ({ agreement }) => agreement && String(agreement.gained),
	},
	{
		group: 'agreement with dense',
		head: 'mean IoU',
		cell: ({ agreement }) => agreement && agreement.meanIou.toFixed(3),
	},
	{
		group: 'estimated agreement',
		head: 'mean',
		cell: ({ summary: { drift } }) => drift && drift.agreement.mean.toFixed(3),
		isStrong: true,
	},
	{
		group: 'estimated agreement',
		head: 'lowest',
		cell: ({ summary: { drift } }) => drift && drift.agreement.lowest.toFixed(3),
	},
	{
		group: 'audits',
		head: 'frames',
		cell: ({ summary: { drift } }) => drift && String(drift.audits.count),
	},
	{ group: 'audits', head: 'F1', cell: ({ summary: { drift } }) => drift && share(drift.audits.f1) },
	{
		group: 'audits',
		head: 'of the cost',
		cell: ({ summary: { drift } }) => drift && `${(100 * drift.audits.costShare).toFixed(1)} %`,
	},
	{
		group: 'waiting tokens',
		head: 'mean',
		cell: ({ summary: { drift } }) => drift && drift.waiting.meanTokens.toFixed(0),
	},
	{
		group: 'waiting tokens',
		head: 'wait, frames',
		cell: ({ summary: { drift } }) => drift && String(drift.waiting.longestWait),
	},
	{
		group: 'boxes',
		head: 'stale',
		cell: ({ summary: { drift } }) => drift && String(drift.staleBoxes),
	},
	{
		group: 'AP',
		head: '50',
		cell: ({ evaluation }) => evaluation && share(evaluation.mean.ap50),
		isStrong: true,
	},
	{ group: 'AP', head: '50–95', cell: ({ evaluation }) => evaluation && share(evaluation.mean.ap50to95) },
	{
		group: 'GMAC a frame',
		head: 'mean',
		cell: ({ summary }) => (summary.frames > 0 ? summary.gmacPerFrame.mean.toFixed(2) : null),
		isStrong: true,
	},
	{
		group: 'GMAC a frame',
		head: 'dense',
		cell: ({ summary }) => summary.gmacPerFrame.dense.toFixed(2),
		isFor: (runs) => new Set(runs.map(({ run }) => run.header.denseMacs)).size > 1,
	},
	{
		group: 'tokens a frame',
		head: 'mean',
		cell: ({ summary: { frames, tokens } }) => (frames > 0 ? tokens.meanSelected.toFixed(0) : null),
	},
	{
		group: 'tokens a frame',
		head: 'share',
		cell: ({ summary: { frames, tokens } }) =>
			frames > 0 ? `${((100 * tokens.meanSelected) / tokens.total).toFixed(1)} %` : null,
	},
	...(['total', ...STAGES] as const).map((stage): Column => {
		return {
			group: 'milliseconds a frame',
			head: stage,
			cell: ({ summary }) => (summary.frames > 0 ? summary.msPerFrame[stage].toFixed(1) : null),
			isStrong: stage === 'total',
		};
	}),
	{ group: 'frames', head: 'in all', cell: ({ summary }) => String(summary.frames) },
];

/** One row per run. Columns that apply to no run are left out. */
export function runTable(runs: readonly ReportRun[]): Html {
	const columns = COLUMNS.filter(
		(column) => (column.isFor?.(runs) ?? true) && runs.some((run) => column.cell(run) !== null),
	);
	const starts = columns.map((column, i) => column.group !== columns[i - 1]?.group);
	const groups = columns.filter((_, i) => starts[i]).map(({ group }) => group);
	const groupHeads = groups.map((group) => {
		const width = columns.filter((column) => column.group === group).length;
		return html`<th class="group start" colspan="${width}" scope="colgroup">${group}</th>`;
	});
	const heads = columns.map(
		({ head }, i) => html`<th class="${starts[i] ? 'start' : ''}" scope="col">${head}</th>`,
	);
	const rows = runs.map((run) => {
		const cells = columns.map((column, i) => {
			const classes = [starts[i] ? 'start' : '', column.isStrong ? 'strong' : ''].join(' ').trim();
			return html`<td class="${classes}">${column.cell(run) ?? NONE}</td>`;
		});
		return html`<tr>
			<th scope="row"><span class="${`key ${run.colour}`}"></span>${run.label}</th>
			${join(cells)}
		</tr> `;
	});
	return html`<div class="scroll runs">
		<table>
			<thead>
				<tr>
					<td></td>
					${join(groupHeads)}
				</tr>
				<tr>
					<th scope="col">run</th>
					${join(heads)}
				</tr>
			</thead>
			<tbody>
				${join(rows)}
			</tbody>
		</table>
	</div>`;
}

/** The warnings of runs whose budget was too small; null without any. */
export function warnings(runs: readonly ReportRun[]): Html | null {
	const warned = runs.flatMap(({ label, summary: { drift }, agreement }) =>
		drift?.warning ? [{ label, text: shortfallSentence(drift.warning, 'en', agreement?.f1 ?? null) }] : [],
	);
	if (warned.length === 0) return null;
	return join(warned.map(({ label, text }) => html`<p class="warning strong">${label}: ${text}</p>`));
}

/** Average precision per class, for runs that were evaluated against ground truth. */
export function accuracyTables(runs: readonly ReportRun[]): Html | null {
	const judged = runs.flatMap(({ label, colour, evaluation }) =>
		evaluation ? [{ label, colour, evaluation }] : [],
	);
	const first = judged[0]?.evaluation;
	if (!first) return null;
	const rows = judged.flatMap(({ label, colour, evaluation }) =>
		evaluation.classes
			.filter(({ truthCount }) => truthCount > 0)
			.map(
				(entry) =>
					html`<tr>
						<th scope="row"><span class="${`key ${colour}`}"></span>${label}</th>
						<td class="start">${entry.className}</td>
						<td>${entry.truthCount}</td>
						<td class="start strong">${share(entry.ap50) ?? NONE}</td>
						<td>${share(entry.ap50to95) ?? NONE}</td>
						<td>${share(entry.precision) ?? NONE}</td>
						<td>${share(entry.recall) ?? NONE}</td>
					</tr>`,
			),
	);
	const left = (why: string, names: readonly string[]) =>
		names.length > 0 ? ` Left out, for ${why}: ${names.join(', ')}.` : '';
	const unknown =
		left('the model lacks them', first.unknownClasses) +
		left('not every model here has them', first.unsharedClasses);
	const coverage = coverageOfRuns(
		judged.map(({ label, evaluation }) => ({ label, coverage: evaluation })),
		'en',
	);
	return html`<h2>Accuracy</h2>
		${join(coverage.map((line) => html`<p>${line}</p>`))}
		<p class="muted">
			Against ${first.truthPath}. Average precision as COCO counts it; precision and recall of the boxes that
			are shown, at an overlap of 0.5.${unknown}
		</p>
		<div class="scroll">
			<table>
				<thead>
					<tr>
						<th scope="col">run</th>
						<th class="start" scope="col">class</th>
						<th scope="col">objects</th>
						<th class="start" scope="col">AP 50</th>
						<th scope="col">AP 50 to 95</th>
						<th scope="col">precision</th>
						<th scope="col">recall</th>
					</tr>
				</thead>
				<tbody>
					${join(rows)}
				</tbody>
			</table>
		</div>`;
}

function roundingOf({ precision }: RunHeader): string[] {
	return precision === ON_CPU.precision ? [] : [`precision ${precision}`];
}

/** The settings of each run, and what was changed during it. */
export function settingsTable(runs: readonly ReportRun[]): Html {
	const rows = runs.map(({ run, label, colour }) => {
		const { header, events } = run;
		const changes = events.map(
			({ frameIndex, settings }) => `from frame ${frameIndex}: ${settingsText(settings)}`,
		);
		return html`<tr>
			<th scope="row"><span class="${`key ${colour}`}"></span>${label}</th>
			<td class="whole">${header.mode}</td>
			<td>${[settingsText(header.settings), ...roundingOf(header)].filter(Boolean).join(', ') || 'none'}</td>
			<td>${changes.join('; ') || NONE}</td>
			<td>${thresholdsText(header)}</td>
			<td>${run.executionWords}</td>
			<td class="whole">${header.createdAt}</td>
		</tr>`;
	});
	return html`<div class="scroll">
		<table class="text">
			<thead>
				<tr>
					${join(['run', 'mode', 'settings', 'changed while running', 'shown from score', 'ran on', 'started'].map((head) => html`<th scope="col">${head}</th>`))}
				</tr>
			</thead>
			<tbody>
				${join(rows)}
			</tbody>
		</table>
	</div>`;
}

/** The scores that classes are shown from, each with its classes; the score alone where it is the same for all. */
function thresholdsText({ model, displayThresholds }: RunHeader): string {
	const classesOf = new Map<number, string[]>();
	displayThresholds.forEach((score, c) =>
		classesOf.set(score, [...(classesOf.get(score) ?? []), model.classes[c]!]),
	);
	const parts = [...classesOf].sort(([a], [b]) => a - b);
	if (parts.length <= 1) return parts.map(([score]) => String(score)).join('');
	return parts.map(([score, classes]) => `${score} ${classes.join(', ')}`).join('; ');
}

function settingsText(settings: SettingValues): string {
	return Object.entries(settings)
		.map(([name, value]) => `${name} = ${value}`)
		.join(', ');
}

function everyOf({ from, to, every }: FrameRange): string {
	const position = (at: Position) => ('frame' in at ? `frame ${at.frame}` : `${at.seconds} s`);
	const isWhole = 'frame' in from && from.frame === 0 && to === null;
	const asked = isWhole
		? ''
		: `; asked for from ${position(from)} to ${to === null ? 'the end' : position(to)}`;
	return every > 1 ? `, one in ${every}${asked}` : asked;
}

function times(ratio: number): string | null {
	return Number.isFinite(ratio) ? `${ratio.toFixed(1)}×` : null;
}

function share(value: number | null): string | null {
	return value === null ? null : value.toFixed(3);
}

/** At most `decimals` decimals, without trailing zeros. */
function plain(value: number, decimals: number): string {
	return String(Number(value.toFixed(decimals)));
}

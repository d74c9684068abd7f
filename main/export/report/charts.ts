import { GIGA, STAGES } from '../../domain/cost.ts';
import { f1Of } from '../../domain/agreement.ts';
import { SELECTION_KINDS } from '../../domain/tokens.ts';
import {
	extremesCurve,
	frameAxis,
	markedFrames,
	meanCurve,
	type Curve,
	type FrameAxis,
} from './frame-axis.ts';
import type { ReportRun } from './report-runs.ts';

/** A chart as plain data, for the script in the page. Colours are names of the page's custom properties. */
export type Chart = {
	title: string;
	unit: string;
	/** Decimals of the values shown at the pointer. */
	decimals: number;
	/** Top of the axis; null: as the values require. */
	top: number | null;
	series: ChartSeries[];
	/** Frames marked above the chart. */
	marks: { label: string; colour: string; shape: 'triangle' | 'dot'; frames: number[] }[];
	/** The chart's numbers as a table: a row per part of the video. */
	table: { columns: string[]; rows: (number | null)[][] };
};

export type ChartSeries = {
	label: string;
	colour: string;
	values: Curve;
	/** `area` is filled down to the series before it, `dashed` is a reference line, `bound` a faint one, `dots` are no line. */
	look: 'line' | 'dashed' | 'area' | 'bound' | 'dots';
	/** For stacks: the height of this layer alone, shown at the pointer. */
	own?: Curve;
};

export type ChartGroup = { axis: FrameAxis; charts: Chart[] };

const TABLE_ROWS = 40;

/** All charts of a report, on one axis of frames. Empty ones are left out. */
export function drawCharts(runs: readonly ReportRun[]): ChartGroup {
	const axis = frameAxis(runs.map(({ run }) => run.frames.frameIndex));
	if (axis.frames.length === 0) return { axis, charts: [] };
	const charts = [
		gigamacChart(axis, runs),
		tokenChart(axis, runs),
		agreementChart(axis, runs),
		estimateChart(axis, runs),
		waitingChart(axis, runs),
	];
	return { axis, charts: [...charts.filter((chart) => chart !== null), ...timeCharts(axis, runs)] };
}

function gigamacChart(axis: FrameAxis, runs: readonly ReportRun[]): Chart {
	const columns = runs.map(({ run }) => run.frames.macs.map((macs) => macs / GIGA));
	const lines = runs.map(({ run, label, colour }, i): ChartSeries => {
		return { label, colour, look: 'line', values: extremesCurve(axis, run.frames.frameIndex, columns[i]!) };
	});
	const budgets = runs
		.filter(({ run }) => run.frames.budgetMacs.some((macs) => macs > 0))
		.map(({ run, label, colour }): ChartSeries => {
			const budget = run.frames.budgetMacs.map((macs) => macs / GIGA);
			const values = extremesCurve(axis, run.frames.frameIndex, budget);
			return { label: `${label}: budget`, colour, look: 'dashed', values };
		});
	// A dense run has its own line.
	const shown = new Set(
		runs.filter(({ run }) => run.header.mode === 'dense').map(({ run }) => run.header.denseMacs),
	);
	const references = [...new Set(runs.map(({ run }) => run.header.denseMacs))]
		.filter((macs) => !shown.has(macs))
		.map((macs): ChartSeries => {
			return {
				label: 'a dense frame',
				colour: 'dense',
				look: 'dashed',
				values: axis.frames.map(() => macs / GIGA),
			};
		});
	return {
		title: 'Multiply-adds per frame',
		unit: 'GMAC',
		decimals: 2,
		top: null,
		series: [...references, ...lines, ...budgets],
		marks: flushMarks(axis, runs),
		table: meanTable(
			axis,
			runs.map(({ run, label }, i) => [label, run.frames.frameIndex, columns[i]!]),
		),
	};
}

function tokenChart(axis: FrameAxis, runs: readonly ReportRun[]): Chart {
	return {
		title: 'Tokens recomputed per frame',
		unit: 'tokens',
		decimals: 0,
		top: null,
		series: runs.map(({ run, label, colour }): ChartSeries => {
			const values = extremesCurve(axis, run.frames.frameIndex, run.frames.selectedTokens);
			return { label, colour, look: 'line', values };
		}),
		marks: [],
		table: meanTable(
			axis,
			runs.map(({ run, label }) => [label, run.frames.frameIndex, run.frames.selectedTokens]),
		),
	};
}

function agreementChart(axis: FrameAxis, runs: readonly ReportRun[]): Chart | null {
	const compared = runs.flatMap(({ agreement, label, colour }) =>
		agreement ? [{ agreement, label, colour }] : [],
	);
	if (compared.length === 0) return null;
	return {
		title: 'Agreement with dense per frame',
		unit: 'F1',
		decimals: 3,
		top: 1,
		series: compared.map(({ agreement: { perFrame }, label, colour }): ChartSeries => {
			return { label, colour, look: 'line', values: extremesCurve(axis, perFrame.frameIndex, perFrame.f1) };
		}),
		marks: [],
		table: meanTable(
			axis,
			compared.map(({ agreement: { perFrame }, label }) => [label, perFrame.frameIndex, perFrame.f1]),
		),
	};
}

/** Runs whose mode estimates how far from dense their answers may be. */
function estimated(runs: readonly ReportRun[]) {
	return runs.flatMap(({ run, label, colour }) => {
		const { frameIndex, drift } = run.frames;
		return drift ? [{ frameIndex, drift, label, colour }] : [];
	});
}

function estimateChart(axis: FrameAxis, runs: readonly ReportRun[]): Chart | null {
	const shown = estimated(runs);
	if (shown.length === 0) return null;
	return {
		title: 'Estimated agreement with dense',
		unit: 'F1',
		decimals: 3,
		top: 1,
		series: shown.flatMap(({ frameIndex, drift, label, colour }): ChartSeries[] => {
			const curve = (values: ArrayLike<number>) => extremesCurve(axis, frameIndex, values);
			const { matched, lost, gained } = drift.audit;
			const audits = Float32Array.from(matched, (pairs, row) =>
				pairs < 0 ? Number.NaN : f1Of({ matched: pairs, lost: lost[row]!, gained: gained[row]! }),
			);
			return [
				{ label, colour, look: 'line', values: curve(drift.agreement) },
				{ label: `${label}: lower bound`, colour, look: 'bound', values: curve(drift.lower) },
				{ label: `${label}: upper bound`, colour, look: 'bound', values: curve(drift.upper) },
				{ label: `${label}: audits`, colour, look: 'dots', values: curve(audits) },
			];
		}),
		marks: [],
		table: meanTable(
			axis,
			shown.flatMap(({ frameIndex, drift, label }) => [
				[label, frameIndex, drift.agreement] as const,
				[`${label}: lower bound`, frameIndex, drift.lower] as const,
				[`${label}: upper bound`, frameIndex, drift.upper] as const,
			]),
		),
	};
}

function waitingChart(axis: FrameAxis, runs: readonly ReportRun[]): Chart | null {
	const shown = estimated(runs);
	if (shown.length === 0) return null;
	return {
		title: 'Tokens that wait, and the longest wait',
		unit: 'tokens, frames',
		decimals: 0,
		top: null,
		series: shown.flatMap(({ frameIndex, drift, label, colour }): ChartSeries[] => [
			{ label, colour, look: 'line', values: extremesCurve(axis, frameIndex, drift.waitingTokens) },
			{
				label: `${label}: longest wait, frames`,
				colour,
				look: 'bound',
				values: extremesCurve(axis, frameIndex, drift.longestWait),
			},
		]),
		marks: [],
		table: meanTable(
			axis,
			shown.flatMap(({ frameIndex, drift, label }) => [
				[label, frameIndex, drift.waitingTokens] as const,
				[`${label}: longest wait, frames`, frameIndex, drift.longestWait] as const,
			]),
		),
	};
}

/** One stack per run, all on the same scale. */
function timeCharts(axis: FrameAxis, runs: readonly ReportRun[]): Chart[] {
	const charts = runs
		.filter(({ run }) => run.frameCount > 0)
		.map(({ run, label }): Chart => {
			const { frameIndex, milliseconds } = run.frames;
			const layers = STAGES.map((stage) => meanCurve(axis, frameIndex, milliseconds[stage]));
			const sums: Curve = axis.frames.map(() => null);
			const series = STAGES.map((stage, k): ChartSeries => {
				const own = layers[k]!;
				own.forEach((value, i) => {
					if (value !== null) sums[i] = Number(((sums[i] ?? 0) + value).toPrecision(5));
				});
				return { label: stage, colour: `stage-${stage}`, look: 'area', values: [...sums], own };
			});
			return {
				title: `Milliseconds per frame: ${label}`,
				unit: 'ms',
				decimals: 1,
				top: null,
				series,
				marks: [],
				table: meanTable(
					axis,
					STAGES.map((stage) => [stage, frameIndex, milliseconds[stage]]),
				),
			};
		});
	const top = commonTop(charts);
	return charts.map((chart) => ({ ...chart, top }));
}

/** High enough for all but the slowest frames: one outlier must not flatten everything else. */
function commonTop(charts: readonly Chart[]): number {
	const tops = charts.map((chart) => {
		const totals = chart.series.at(-1)!.values.filter((value) => value !== null);
		totals.sort((a, b) => a - b);
		return totals[Math.min(totals.length - 1, Math.floor(0.99 * totals.length))] ?? 0;
	});
	return Number((1.15 * Math.max(0.001, ...tops)).toPrecision(3));
}

/** Frames in which all was computed: because it had to be, and to audit. */
function flushMarks(axis: FrameAxis, runs: readonly ReportRun[]): Chart['marks'] {
	const flush = SELECTION_KINDS.indexOf('flush');
	return runs.flatMap(({ run, label, colour }) => {
		const { frameIndex, kind, drift } = run.frames;
		if (kind.every((value) => value === flush)) return []; // if all are full, none stands out
		const isAudit = (row: number) => drift !== null && drift.audit.matched[row]! >= 0;
		const marks = [
			{ shape: 'triangle', is: (row: number) => kind[row] === flush && !isAudit(row) },
			{ shape: 'dot', is: isAudit },
		] as const;
		return marks.flatMap(({ shape, is }) => {
			const frames = markedFrames(axis, frameIndex, is);
			return frames.length > 0 ? [{ label, colour, shape, frames }] : [];
		});
	});
}

/** Means over at most 40 equal parts of the video. */
function meanTable(
	axis: FrameAxis,
	columns: readonly (readonly [label: string, frameIndex: Int32Array, values: ArrayLike<number>])[],
): Chart['table'] {
	const length = axis.lastFrame - axis.firstFrame + 1;
	const framesPerRow = Math.ceil(length / TABLE_ROWS);
	const rowCount = Math.ceil(length / framesPerRow);
	const means = columns.map(([, frameIndex, values]) => {
		const sums = new Float64Array(rowCount);
		const counts = new Float64Array(rowCount);
		for (let i = 0; i < frameIndex.length; i++) {
			const row = Math.floor((frameIndex[i]! - axis.firstFrame) / framesPerRow);
			if (Number.isNaN(values[i]!)) continue;
			sums[row]! += values[i]!;
			counts[row]!++;
		}
		return Array.from(sums, (sum, row) => (counts[row]! > 0 ? sum / counts[row]! : null));
	});
	return {
		columns: ['from frame', 'to frame', ...columns.map(([label]) => label)],
		rows: Array.from({ length: rowCount }, (_, row) => {
			const from = axis.firstFrame + row * framesPerRow;
			return [
				from,
				Math.min(from + framesPerRow - 1, axis.lastFrame),
				...means.map((column) => column[row]!),
			];
		}),
	};
}

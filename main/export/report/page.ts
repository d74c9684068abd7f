import { basename } from 'node:path';
import uPlotCss from 'uplot/dist/uPlot.min.css?raw';
import uPlotScript from 'uplot/dist/uPlot.iife.min.js?raw';
import { DRIFT_WINDOW_FRAMES } from '../../domain/drift.ts';
import type { RecordingClock } from '../../domain/recording-clock.ts';
import { cameraSection } from './camera.ts';
import type { CountedRun } from '../counted-run.ts';
import { drawCharts, type Chart } from './charts.ts';
import { countsSection } from './counts.ts';
import { html, inlineElement, join, jsonBlock, type Html } from './html.ts';
import pageScript from './page-script.js?raw';
import reportCss from './report.css?raw';
import { formatTime } from '../drawing/draw-overlay.ts';
import { limitsSection } from './limits.ts';
import type { ReportPicture, ReportPictures } from './pictures.ts';
import type { ReportRun } from './report-runs.ts';
import { tradeOffSection } from './trade-off.ts';
import { accuracyTables, runTable, settingsTable, videoFacts, warnings } from './tables.ts';

/** What a report tells beside its runs. */
export type ReportParts = {
	pictures: ReportPictures | null;
	clock: RecordingClock | null | undefined;
	/** What happened at the zones and lines of the main run; null where none were drawn. */
	counted: CountedRun | null;
	/** Per run, how often its tracks were changed by hand. */
	edits: readonly number[];
	/** Whether it is drawn for paper alone. */
	isForPrint: boolean;
};

/** Charts are pictures on paper, too: with as many pixels as three to one of a screen. Before uPlot, which asks for them. */
const PAPER_SCRIPT = `Object.defineProperty(window, 'devicePixelRatio', { value: 3 });`;

/** The whole report as one page that loads nothing from any network. */
export function reportPage(
	runs: readonly ReportRun[],
	{ pictures, clock, counted, edits, isForPrint }: ReportParts,
): string {
	const { axis, charts } = drawCharts(runs);
	const { video } = runs[0]!.run.header;
	const name = basename(video.path);
	const scripts = [...(isForPrint ? [PAPER_SCRIPT] : []), uPlotScript, pageScript].map((text) =>
		inlineElement('script', text),
	);
	const styles = [uPlotCss, reportCss].map((text) => inlineElement('style', text));
	// Nothing but this file's own contents may run or load, whatever a file name or a class name contains.
	const policy = [
		`default-src 'none'`,
		`script-src ${scripts.map(({ source }) => source).join(' ')}`,
		`style-src ${styles.map(({ source }) => source).join(' ')}`,
		`img-src data:`,
	].join('; ');
	const reference = runs.find(({ isReference }) => isReference);
	const hasMark = (shape: string) => charts.some((chart) => chart.marks.some((mark) => mark.shape === shape));
	const hasBounds = charts.some((chart) => chart.series.some((series) => series.look === 'bound'));
	const hasBudget = charts.some((chart) => chart.series.some((series) => series.look === 'dashed'));

	return html`<!doctype html>
		<html lang="en">
			<head>
				<meta charset="utf-8" />
				<meta http-equiv="Content-Security-Policy" content="${policy}" />
				<meta name="viewport" content="width=device-width, initial-scale=1" />
				<title>${name} · Sparsight</title>
				${join(styles.map(({ element }) => element))}
			</head>
			<body>
				<header>
					<h1>${name}</h1>
					<p class="muted">Sparsight report · ${runs.length === 1 ? 'one run' : `${runs.length} runs`}</p>
				</header>
				<main>
					${videoFacts(runs, clock)}
					<h2>Runs</h2>
					${warnings(runs)} ${runTable(runs)} ${accuracyTables(runs)} ${cameraSection(runs)}
					${tradeOffSection(runs)} ${counted && countsSection(counted, runs[0]!.label)}
					${pictures && pictureSections(pictures, runs[0]!.label)}
					<h2>Curves</h2>
					${
						charts.length === 0
							? html`<p class="muted">No frame was analysed, so there is nothing to draw.</p>`
							: html`<p class="muted">
									All runs stand on the same axis: the frames of the video, counted from
									0.${
										axis.framesPerSpan > 1
											? ` A point stands for ${axis.framesPerSpan} frames: lines show the lowest and the highest of them, stacks their mean.`
											: ''
									}${hasMark('triangle') ? ' A triangle marks a frame in which every token was recomputed.' : ''}${
										hasMark('dot') ? ' A dot above a curve marks an audit.' : ''
									}${hasBudget ? ' Dashed lines are budgets, or what a dense frame takes.' : ''}${
										hasBounds
											? ' Dotted lines are the bounds that hold 95 %, or the longest wait; dots are audits.'
											: ''
									}
									<span class="on-screen">Drag over a curve to look closer, double-click to go back.</span>
								</p>`
					}
					<div class="charts">${join(charts.map(chartFigure))}</div>
					<h2>Settings</h2>
					${settingsTable(runs)} ${limitsSection(runs, edits)}
					<h2>How to read this</h2>
					<p>
						One multiply-add counts as one operation; GMAC is 10⁹ of them, counted from the shapes of the
						graphs that ran. Milliseconds are measured wall-clock time; decode is the time that the pipeline
						waited for a frame. Means leave out the first frame, which is computed whole and pays for warming
						up. ${reference ? measuredAgainst(reference.label) : ''}
						${runs.some(({ summary }) => summary.drift) ? estimatedFrom() : ''}
					</p>
				</main>
				<script type="application/json" id="charts">
					${jsonBlock({ frames: axis.frames, charts: charts.map(withoutTable) })}
				</script>
				${join(scripts.map(({ element }) => element))}
			</body>
		</html> `.html;
}

function pictureSections({ worst, sheet, missing }: ReportPictures, main: string): Html {
	if (missing !== null)
		return html`<h2>Frames</h2>
			<p class="muted">There are no pictures, for the video could not be read: ${missing}</p>`;
	return join([
		worst.length === 0
			? null
			: html`<h2>Where runs agree least</h2>
					<p class="muted">
						The worst frame first, with the boxes of each run and the tokens that it recomputed there.
					</p>
					<div class="worst">
						${join(
							worst.map((frame) =>
								picture(
									frame,
									`agreement F1 ${frame.f1.toFixed(3)}, ${frame.lost} lost, ${frame.gained} gained`,
								),
							),
						)}
					</div>`,
		html`<h2>Contact sheet</h2>
			<p class="muted">Frames from all over the run ${main}, with its boxes and tokens.</p>
			<div class="sheet">${join(sheet.map((frame) => picture(frame, null)))}</div>`,
	]);
}

function picture({ frameIndex, timeSeconds, size, dataUrl }: ReportPicture, words: string | null): Html {
	const place = `frame ${frameIndex}, ${formatTime(timeSeconds)}`;
	const caption = words === null ? place : `${place}: ${words}`;
	return html`<figure>
		<img src="${dataUrl}" width="${size.width}" height="${size.height}" alt="${caption}" />
		<figcaption class="muted">${caption}</figcaption>
	</figure>`;
}

function measuredAgainst(reference: string): Html {
	return html`The others are measured against the dense run ${reference}. Speed-up is its mean time divided by
	the run's own, of the run stage alone and of all stages together. Agreement pairs the shown boxes of a run
	with those of the dense run, class by class, from an overlap (IoU) of 0.5 on: lost are dense boxes without a
	partner, gained are boxes that the dense run has not.`;
}

function estimatedFrom(): Html {
	return html`Estimated agreement is what a run expects of the last ${DRIFT_WINDOW_FRAMES} frames without a
	dense run: from the tokens that changed and wait to be recomputed, corrected by audits, frames that are
	computed dense as well. The bounds hold the true agreement in 95 % of cases. A box is stale if it rests on
	tokens that have waited for too long.`;
}

function chartFigure(chart: Chart, i: number): Html {
	const { columns, rows } = chart.table;
	const cell = (value: number | null, column: number) =>
		value === null ? '–' : column < 2 ? String(value) : value.toFixed(chart.decimals);
	return html`<figure>
		<figcaption>
			<h3>${chart.title} <span class="unit">${chart.unit}</span></h3>
		</figcaption>
		<div
			class="chart"
			id="${`chart-${i}`}"
			role="img"
			aria-label="${`${chart.title}; the numbers are in the table that follows`}"
		></div>
		<details>
			<summary>Table: ${chart.title}</summary>
			<div class="scroll">
				<table>
					<caption class="muted">
						Means, in ${chart.unit}
					</caption>
					<thead>
						<tr>
							${join(columns.map((column) => html`<th scope="col">${column}</th>`))}
						</tr>
					</thead>
					<tbody>
						${join(
							rows.map(
								(row) =>
									html`<tr>
										${join(row.map((value, k) => html`<td>${cell(value, k)}</td>`))}
									</tr>`,
							),
						)}
					</tbody>
				</table>
			</div>
		</details>
	</figure> `;
}

function withoutTable({ title, unit, decimals, top, series, marks }: Chart) {
	return { title, unit, decimals, top, series, marks };
}

import { layCameraMap } from '../../domain/camera-inset.ts';
import { followedSpans } from '../../domain/camera-path.ts';
import type { Point } from '../../domain/placement.ts';
import { cameraTrackOf } from '../../results/frame-columns.ts';
import { formatTime } from '../drawing/draw-overlay.ts';
import { html, join, type Html } from './html.ts';
import type { ReportRun } from './report-runs.ts';

/** Size of a map, in CSS pixels, at most. */
const MAP = { width: 320, height: 200 };
const PADDING = 10;
/** Stretches that are listed one by one. */
const MOST_SPANS = 4;

/** Whether the camera was followed, from when to when, how far it went, and its path; null for modes that can't follow one. */
export function cameraSection(runs: readonly ReportRun[]): Html | null {
	const asked = runs.filter(({ run, summary }) => 'camera' in run.header.settings || summary.camera);
	if (asked.length === 0) return null;
	return html`<h2>Camera</h2>
		<div class="scroll">
			<table class="text">
				<thead>
					<tr>
						${join(['run', 'setting', 'camera', 'frames', 'travelled, pixels'].map((head) => html`<th scope="col">${head}</th>`))}
					</tr>
				</thead>
				<tbody>
					${join(asked.map(cameraRow))}
				</tbody>
			</table>
		</div>
		<div class="maps">${join(asked.map(mapFigure))}</div>`;
}

function cameraRow({ run, label, colour, summary: { camera } }: ReportRun): Html {
	return html`<tr>
		<th scope="row"><span class="${`key ${colour}`}"></span>${label}</th>
		<td>${String(run.header.settings['camera'] ?? '–')}</td>
		<td>${camera ? `followed ${spansText(run)}` : 'fixed'}</td>
		<td>${camera ? `${camera.frames} of ${run.frameCount}` : '–'}</td>
		<td>${camera ? camera.travelled.toFixed(0) : '–'}</td>
	</tr>`;
}

function spansText({ frames: { camera, timeSeconds } }: ReportRun['run']): string {
	const spans = camera ? followedSpans(camera) : [];
	const listed = spans
		.slice(0, MOST_SPANS)
		.map(({ from, to }) => `from ${formatTime(timeSeconds[from]!)} to ${formatTime(timeSeconds[to]!)}`);
	const more = spans.length - listed.length;
	return `${listed.join(', ')}${more > 0 ? ` and ${more} more times` : ''}`;
}

function mapFigure({ run, label, colour }: ReportRun): Html | null {
	const track = cameraTrackOf(run.frames);
	const last = track?.columns.x.findLastIndex((x) => !Number.isNaN(x)) ?? -1;
	const map = track && layCameraMap(track, run.header.video.displaySize, MAP, PADDING)(last);
	if (!map) return null;
	const { rect, lines, now, outline } = map;
	const points = (line: readonly Point[]) =>
		line.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
	return html`<figure class="map">
		<svg
			role="img"
			aria-label="${`Path of the camera: ${label}`}"
			width="${rect.width}"
			height="${rect.height}"
			viewBox="${`0 0 ${rect.width} ${rect.height}`}"
		>
			<polygon class="view" points="${points(outline)}" />
			${join(lines.map((line) => html`<polyline class="${`path ${colour}`}" points="${points(line)}" />`))}
			<circle class="end" cx="${now.x.toFixed(1)}" cy="${now.y.toFixed(1)}" r="4" />
		</svg>
		<figcaption class="muted">${label}: where the camera went, and what it showed last</figcaption>
	</figure>`;
}

import {
	COSTS,
	tradeOff,
	tradeOffSentence,
	type Cost,
	type TradeOff,
	type TradeOffPoint,
} from '../../evaluation/trade-off.ts';
import { html, join, type Html } from './html.ts';
import type { ReportRun } from './report-runs.ts';

/** Sizes in CSS pixels. */
const SIZE = { width: 620, height: 320 };
const FRAME = { left: 48, top: 16, right: 604, bottom: 284 };
/** Of a name: how wide a character is, and how far from its point it begins. */
const NAME = { character: 6, away: 11 };
const MOST_TICKS = 6;

const UNITS: Record<Cost, { title: string; unit: string; decimals: number }> = {
	gmacPerFrame: { title: 'Multiply-adds', unit: 'GMAC a frame', decimals: 2 },
	msPerFrame: { title: 'Time', unit: 'milliseconds a frame', decimals: 1 },
};

/** Accuracy of the runs against what they cost; null for fewer than two runs beside the dense one. */
export function tradeOffSection(runs: readonly ReportRun[]): Html | null {
	const judged = runs.filter(({ summary, reference }) => summary.frames > 0 && reference !== null);
	const found = tradeOff(judged.map(pointOf));
	const shown = found.points.filter((point) => point[found.measure] !== null);
	if (shown.filter(({ reference }) => reference !== null).length < 2) return null;
	const colours = new Map(judged.map(({ label, colour }) => [label, colour]));
	return html`<h2>Accuracy against cost</h2>
		<p class="strong">${tradeOffSentence(found)}</p>
		<p class="muted">
			${found.measure === 'ap50' ? 'AP50 is measured against ground truth' : 'Agreement (F1) is measured against dense'};
			cost is the mean of the frames after the first one. The line joins the runs that no other run beats in
			both; what lies on or above the dashed line is within
			${found.withinPoints === 1 ? 'a point' : `${found.withinPoints} points`} of dense.
		</p>
		<div class="trade-offs">${join(COSTS.map((cost) => figure(found, shown, cost, colours)))}</div>`;
}

function pointOf({ label, reference, summary, agreement, evaluation }: ReportRun): TradeOffPoint {
	return {
		label,
		reference: reference === label ? null : reference,
		gmacPerFrame: summary.gmacPerFrame.mean,
		msPerFrame: summary.msPerFrame.total,
		agreement: reference === label ? 1 : (agreement?.f1 ?? null),
		ap50: evaluation?.mean.ap50 ?? null,
	};
}

type Scale = { of(value: number): number; ticks: number[] };

function figure(
	{ measure, withinPoints, front, best }: TradeOff,
	points: readonly TradeOffPoint[],
	cost: Cost,
	colours: ReadonlyMap<string, string>,
): Html {
	const { title, unit, decimals } = UNITS[cost];
	const dense = points.find(({ reference }) => reference === null);
	const near = dense && dense[measure]! - withinPoints / 100;
	const x = scale(0, Math.max(...points.map((point) => point[cost])), FRAME.left, FRAME.right);
	const accuracies = points.map((point) => point[measure]!).concat(near === undefined ? [] : [near]);
	const y = scale(Math.min(...accuracies), Math.max(...accuracies), FRAME.bottom, FRAME.top);
	const placeOf = (point: TradeOffPoint) => ({ x: x.of(point[cost]), y: y.of(point[measure]!) });
	const names = shortNames(points);
	const places = points.map((point) => ({
		...placeOf(point),
		label: point.label,
		name: names.get(point.label)!,
		isBest: point.label === best[cost],
		words: `${point.label}: ${point[cost].toFixed(decimals)} ${unit}`,
	}));
	const line = front[cost]
		.map((label) => places.find((place) => place.label === label)!)
		.map((place) => `${place.x.toFixed(1)},${place.y.toFixed(1)}`);
	const words = `${title}, in ${unit}, and accuracy of ${points.length} runs; the numbers are in the table of runs`;
	return html`<figure>
		<figcaption>
			<h3>${title} <span class="unit">${unit}</span></h3>
		</figcaption>
		<svg class="trade-off" role="img" aria-label="${words}" viewBox="${`0 0 ${SIZE.width} ${SIZE.height}`}">
			${join(
				y.ticks.map((tick) => {
					const at = y.of(tick).toFixed(1);
					return html`<line class="grid" x1="${FRAME.left}" x2="${FRAME.right}" y1="${at}" y2="${at}" />
						<text class="tick end" x="${FRAME.left - 6}" y="${at}" dy="4"
							>${tick.toFixed(digitsOf(y.ticks))}</text
						>`;
				}),
			)}
			${join(
				x.ticks.map((tick) => {
					const at = x.of(tick).toFixed(1);
					return html`<line
							class="axis"
							x1="${at}"
							x2="${at}"
							y1="${FRAME.bottom}"
							y2="${FRAME.bottom + 4}"
						/>
						<text class="tick middle" x="${at}" y="${FRAME.bottom + 18}"
							>${tick.toFixed(digitsOf(x.ticks))}</text
						>`;
				}),
			)}
			<line class="axis" x1="${FRAME.left}" x2="${FRAME.right}" y1="${FRAME.bottom}" y2="${FRAME.bottom}" />
			${
				near === undefined
					? null
					: html`<line
							class="near"
							x1="${FRAME.left}"
							x2="${FRAME.right}"
							y1="${y.of(near).toFixed(1)}"
							y2="${y.of(near).toFixed(1)}"
						/>`
			}
			<polyline class="front" points="${line.join(' ')}" />
			${join(
				places.map(
					({ x: cx, y: cy, label, isBest, words: title }) =>
						html`${isBest ? html`<circle class="best" cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="8" />` : null}
							<circle
								class="${`point ${colours.get(label)!}`}"
								cx="${cx.toFixed(1)}"
								cy="${cy.toFixed(1)}"
								r="4.5"
							>
								<title>${title}</title>
							</circle>`,
				),
			)}
			${join(
				placeNames(places).map(
					({ x: left, y: base, name, isBest }) =>
						html`<text class="${isBest ? 'strong' : ''}" x="${left.toFixed(1)}" y="${base.toFixed(1)}"
							>${name}</text
						>`,
				),
			)}
		</svg>
	</figure>`;
}

/** Round ticks over a range, which is widened to them; `from` and `to` are pixels. */
function scale(low: number, high: number, from: number, to: number): Scale {
	const range = Math.max(high - low, 1e-6);
	const step = roundStep(range / (MOST_TICKS - 1));
	const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
	const ticks = Array.from({ length: Math.max(last - first, 1) + 1 }, (_, i) => (first + i) * step);
	const [bottom, top] = [ticks[0]!, ticks.at(-1)!];
	return { of: (value) => from + ((value - bottom) / (top - bottom)) * (to - from), ticks };
}

function roundStep(least: number): number {
	const power = 10 ** Math.floor(Math.log10(least));
	return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * (1 - 1e-9))!;
}

/** As many decimals as the distance of ticks has. */
function digitsOf([first = 0, second = 1]: readonly number[]): number {
	return Math.max(0, Math.ceil(-Math.log10(second - first) - 1e-9));
}

type Place = { x: number; y: number; name: string; isBest: boolean };

/** Without what all settings begin with: the mode, where all have the same. */
function shortNames(points: readonly TradeOffPoint[]): Map<string, string> {
	const settings = points.filter(({ reference }) => reference !== null);
	const modes = new Set(settings.map(({ label }) => /^[^:]*:(?=.)/.exec(label)?.[0] ?? ''));
	const [mode = ''] = modes.size === 1 ? modes : [];
	return new Map(
		points.map(({ label }) => [label, label.startsWith(mode) ? label.slice(mode.length) : label]),
	);
}

/**
 * Where names stand free of each other and of the points: right of their point, left of it, above or below; the best run's first, and
 * others are left out where there is no room.
 */
function placeNames(points: readonly Place[]): Place[] {
	const taken = points.map(({ x, y }) => ({ left: x - 6, right: x + 6, top: y - 6, bottom: y + 6 }));
	const order = [...points.keys()].sort((a, b) => Number(points[b]!.isBest) - Number(points[a]!.isBest));
	return order.flatMap((i) => {
		const point = points[i]!;
		const { x, y, name } = point;
		const width = NAME.character * name.length;
		const [right, left, middle] = [x + NAME.away, x - NAME.away - width, x - width / 2];
		const choices = [
			[right, y],
			[left, y],
			[right, y - 9],
			[right, y + 9],
			[left, y - 9],
			[left, y + 9],
			[middle, y - 16],
			[middle, y + 16],
		] as const;
		for (const [from, centre] of choices) {
			const box = { left: from, right: from + width, top: centre - 6, bottom: centre + 6 };
			const isInside =
				from >= FRAME.left && box.right <= SIZE.width && box.top >= 0 && box.bottom <= FRAME.bottom;
			const isFree = taken.every(
				(other) =>
					box.left >= other.right ||
					box.right <= other.left ||
					box.top >= other.bottom ||
					box.bottom <= other.top,
			);
			if (!isInside || !isFree) continue;
			taken.push(box);
			return [{ ...point, x: from, y: centre + 4 }];
		}
		return [];
	});
}

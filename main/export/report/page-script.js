'use strict';
/* global uPlot, document, window, matchMedia, getComputedStyle, ResizeObserver */
// Runs in the report itself, after uPlot: turns the data of `charts.ts` into curves and keeps them in step with
// the page's width, the system's colours and the printer. Plain JavaScript, because it is put into the page as is.
{
	const { frames, charts } = JSON.parse(document.getElementById('charts').textContent);
	const HEIGHT = 200;
	/** A column of the printed page, whatever the window is; see `report.css`. */
	const PRINTED_WIDTH = 488;
	let printing = false;
	const MARK_ROW = 6;
	const drawn = [];

	const widthOf = (place) => (printing ? PRINTED_WIDTH : place.clientWidth);
	const colourOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

	/** Frames computed in full, and audits: triangles and dots above the curve, in rows of their own and the run's colour. */
	function drawMarks({ ctx, bbox, valToPos }, marks) {
		const size = uPlot.pxRatio;
		ctx.save();
		marks.forEach(({ colour, shape, frames: marked }, row) => {
			ctx.fillStyle = colourOf(colour);
			const tip = bbox.top - (row * MARK_ROW + 1) * size;
			for (const frame of marked) {
				const x = valToPos(frame, 'x', true);
				if (x < bbox.left || x > bbox.left + bbox.width) continue;
				ctx.beginPath();
				if (shape === 'dot') ctx.arc(x, tip - 2.5 * size, 2.5 * size, 0, 2 * Math.PI);
				else {
					ctx.moveTo(x, tip);
					ctx.lineTo(x - 3.5 * size, tip - 5 * size);
					ctx.lineTo(x + 3.5 * size, tip - 5 * size);
				}
				ctx.fill();
			}
		});
		ctx.restore();
	}

	/** Shares start at the tenth below the lowest one, so that small differences show. */
	function shareFloor(low) {
		return Math.max(0, Math.min(0.9, Math.floor(10 * (low ?? 0) - 0.01) / 10));
	}

	/** By look, where it is not that of a line. */
	const WIDTHS = { area: 0, bound: 1 };
	const DASHES = { dashed: [4, 4], bound: [2, 3] };

	function seriesOf(series, decimals) {
		const colour = colourOf(series.colour);
		const shown = series.own ?? series.values;
		return {
			label: series.label,
			stroke: colour,
			fill: series.look === 'area' ? colour : undefined,
			width: WIDTHS[series.look] ?? 1.25,
			dash: DASHES[series.look],
			spanGaps: true,
			paths: series.look === 'dots' ? () => null : undefined,
			points: series.look === 'dots' ? { show: true, size: 6, fill: colour } : { show: frames.length === 1 },
			value: (_, __, ___, i) => (i === null || shown[i] === null ? '–' : shown[i].toFixed(decimals)),
		};
	}

	function draw(place, chart) {
		const axis = {
			stroke: colourOf('muted'),
			grid: { stroke: colourOf('grid'), width: 1 },
			ticks: { stroke: colourOf('hairline'), width: 1, size: 4 },
			font: '11px system-ui, sans-serif',
		};
		// uPlot paints series in order: the top layer of a stack first, so that lower ones lie over it.
		const stacked = chart.series.some((series) => series.look === 'area');
		const order = stacked ? [...chart.series].reverse() : chart.series;
		const plot = new uPlot(
			{
				width: widthOf(place),
				height: HEIGHT,
				padding: [8 + MARK_ROW * chart.marks.length, 8, 0, 0],
				cursor: { sync: { key: 'frames' }, drag: { x: true, y: false }, points: { show: !stacked } },
				scales: {
					x: { time: false },
					y: {
						range: (_, low, high) =>
							chart.unit === 'F1' ? [shareFloor(low), 1] : [0, chart.top ?? 1.05 * (high || 1)],
					},
				},
				axes: [
					{
						...axis,
						size: 26,
						values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? tick : '')),
					},
					{ ...axis, size: 52 },
				],
				series: [
					{ label: 'frame', value: (_, frame) => (frame === null ? '–' : String(frame)) },
					...order.map((series) => seriesOf(series, chart.decimals)),
				],
				hooks: { draw: [(plot) => drawMarks(plot, chart.marks)] },
			},
			[frames, ...order.map((series) => series.values)],
			place,
		);
		drawn.push({ plot, place });
	}

	function drawAll() {
		for (const { plot } of drawn.splice(0)) plot.destroy();
		charts.forEach((chart, i) => draw(document.getElementById(`chart-${i}`), chart));
	}

	drawAll();
	new ResizeObserver(() => {
		for (const { plot, place } of drawn) {
			if (widthOf(place) !== plot.width) plot.setSize({ width: widthOf(place), height: HEIGHT });
		}
	}).observe(document.body);
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
	function printed(is) {
		printing = is;
		document.documentElement.classList.toggle('printing', is);
		drawAll();
	}
	window.addEventListener('beforeprint', () => printed(true));
	window.addEventListener('afterprint', () => printed(false));
}

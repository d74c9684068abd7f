import { GIGA } from '../../domain/cost.ts';
import type { Rect } from '../../domain/overlay-geometry.ts';
import { FULL_FRAME_COLOUR, OKABE_ITO, rgbOf, type Rgb } from '../../domain/palette.ts';
import type { Picture } from './picture.ts';
import type { TextPainter } from './text.ts';

export const INK: Rgb = [0xe8, 0xea, 0xed];
export const MUTED: Rgb = [0x9a, 0xa0, 0xa8];
export const GROUND: Rgb = [0x14, 0x16, 0x1a];
export const MACS_COLOUR: Rgb = rgbOf(OKABE_ITO.skyBlue);
export const TIME_COLOUR: Rgb = rgbOf(OKABE_ITO.reddishPurple);
export const FLUSH_COLOUR: Rgb = rgbOf(FULL_FRAME_COLOUR);
export const BUDGET_COLOUR: Rgb = rgbOf(OKABE_ITO.yellow);

/** The cost of every analysed frame of a run; columns of equal length. */
export type CostColumns = {
	frameIndex: Int32Array;
	macs: Float64Array;
	/** All stages together. */
	milliseconds: Float32Array;
	/** 1 where every token was recomputed. */
	flush: Uint8Array;
	/** 0 where no budget was in force. */
	budgetMacs: Float64Array;
	selectedTokens: Int32Array;
};

/** Scales for a whole clip, so that bars can be compared between frames and between panes. */
export type CostScale = {
	denseMacs: number;
	/** Milliseconds of a dense frame of the same model; null if no such run is shown. */
	denseMilliseconds: number | null;
	topMacs: number;
	topMilliseconds: number;
	/** Tokens of the grid. */
	tokens: number;
};

export type CostScene = {
	columns: CostColumns;
	/** The row of the frame shown, or of the last analysed one before it; -1 if there is none yet. */
	position: number;
	scale: CostScale;
	/** Share of a dense run's multiply-adds that was saved, over all frames so far. */
	saved: number;
	/** How many times faster than the dense run shown beside it, over all frames so far; null if unknown. */
	speedUp: number | null;
	/** The frame shown was not analysed: its numbers are those of an earlier one. */
	held: boolean;
};

/** The numbers of the frame and, below them, the costs of the frames before it, newest on the right. */
export function drawCostStrip(
	picture: Picture,
	area: Rect,
	scene: CostScene,
	text: TextPainter,
	unit: number,
): void {
	const px = (design: number) => Math.max(1, Math.round(design * unit));
	const margin = px(10);
	picture.fillRect(area.x, area.y, area.width, area.height, GROUND);
	drawFacts(picture, { ...area, x: area.x + margin, width: area.width - 2 * margin }, scene, text, px);

	const top = area.y + text.lineHeight + px(5);
	const rowHeight = Math.floor((area.y + area.height - px(3) - top) / 2);
	const labelWidth = Math.max(text.width('GMAC'), text.width('ms')) + px(8);
	const { scale } = scene;
	const denseLabels = [
		`dense ${(scale.denseMacs / GIGA).toFixed(2)}`,
		scale.denseMilliseconds === null ? '' : `dense ${scale.denseMilliseconds.toFixed(0)}`,
	];
	const roomRight = Math.max(...denseLabels.map((label) => text.width(label))) + px(8);
	const withScale = area.width > 5 * roomRight;
	const bars: Rect = {
		x: area.x + margin + labelWidth,
		y: top,
		width: area.width - 2 * margin - labelWidth - (withScale ? roomRight : 0),
		height: rowHeight - px(5),
	};
	const rows = [
		{
			label: 'GMAC',
			values: scene.columns.macs,
			top: scale.topMacs,
			dense: scale.denseMacs,
			colour: MACS_COLOUR,
		},
		{
			label: 'ms',
			values: scene.columns.milliseconds,
			top: scale.topMilliseconds,
			dense: scale.denseMilliseconds,
			colour: TIME_COLOUR,
		},
	];
	rows.forEach((row, i) => {
		const room = { ...bars, y: top + i * rowHeight };
		drawBars(picture, room, row, scene, i === 0, px);
		const textTop = room.y + Math.round((room.height - text.lineHeight) / 2);
		picture.drawMask(text.mask(row.label), area.x + margin, textTop, MUTED);
		if (withScale && denseLabels[i] !== '') {
			const label = text.mask(denseLabels[i]!);
			picture.drawMask(label, area.x + area.width - margin - label.width, textTop, MUTED);
		}
	});
}

type BarRow = {
	values: Float64Array | Float32Array;
	top: number;
	dense: number | null;
	colour: Rgb;
};

function drawBars(
	picture: Picture,
	room: Rect,
	row: BarRow,
	scene: CostScene,
	withMarks: boolean,
	px: (design: number) => number,
): void {
	const bar = px(3);
	const pitch = bar + px(1);
	const heightOf = (value: number) => Math.min(room.height, Math.round((value / row.top) * room.height));
	const shown = Math.min(Math.floor(room.width / pitch), scene.position + 1);
	const { budgetMacs, flush } = scene.columns;
	for (let back = 0; back < shown; back++) {
		const at = scene.position - back;
		const x = room.x + room.width - (back + 1) * pitch;
		// At least one pixel for any cost.
		const height = row.values[at]! > 0 ? Math.max(px(1), heightOf(row.values[at]!)) : 0;
		picture.fillRect(x, room.y + room.height - height, bar, height, flush[at] ? FLUSH_COLOUR : row.colour);
		if (withMarks && budgetMacs[at]! > 0) {
			picture.fillRect(x, room.y + room.height - heightOf(budgetMacs[at]!), pitch, px(1), BUDGET_COLOUR);
		}
	}
	picture.fillRect(room.x, room.y + room.height, room.width, 1, [0x3c, 0x40, 0x47]);
	if (row.dense !== null) {
		picture.blendRect(room.x, room.y + room.height - heightOf(row.dense), room.width, px(1), INK, 150);
	}
}

/** A labelled number that does not move while it changes: space for `widest` is reserved. */
type Fact = { label: string; value: string; widest: string };

function drawFacts(
	picture: Picture,
	line: Rect,
	scene: CostScene,
	text: TextPainter,
	px: (design: number) => number,
): void {
	const y = line.y + px(2);
	const right = line.x + line.width;
	let x = line.x;
	if (scene.held) {
		const note = text.mask(heldNote(scene), 400, line.width);
		picture.drawMask(note, x, y, MUTED);
		return;
	}
	for (const fact of factsOf(scene)) {
		const label = text.mask(fact.label);
		const value = text.mask(fact.value, 600);
		const room = label.width + px(6) + Math.max(text.width(fact.widest, 600), value.width);
		if (x + room > right) return;
		picture.drawMask(label, x, y, MUTED);
		picture.drawMask(value, x + room - value.width, y, INK);
		x += room + px(18);
	}
}

function heldNote({ columns, position }: CostScene): string {
	return position < 0
		? 'not analysed'
		: `not analysed: boxes held from frame ${columns.frameIndex[position]!}`;
}

function factsOf({ columns, position, scale, saved, speedUp }: CostScene): Fact[] {
	const gigamacs = (columns.macs[position]! / GIGA).toFixed(2);
	const denseGigamacs = (scale.denseMacs / GIGA).toFixed(2);
	const selected = columns.selectedTokens[position]!;
	const percent = ((100 * selected) / scale.tokens).toFixed(1);
	const facts: Fact[] = [
		{
			label: 'tokens',
			value: `${selected} / ${scale.tokens} · ${percent} %`,
			widest: `${scale.tokens} / ${scale.tokens} · 100.0 %`,
		},
	];
	facts.push({
		label: 'GMAC',
		value: `${gigamacs} / ${denseGigamacs}`,
		widest: `${denseGigamacs} / ${denseGigamacs}`,
	});
	facts.push({ label: 'ms', value: columns.milliseconds[position]!.toFixed(1), widest: '0000.0' });
	facts.push({ label: 'saved', value: `${(100 * saved).toFixed(1)} %`, widest: '00.0 %' });
	if (speedUp !== null) facts.push({ label: 'speed-up', value: `${speedUp.toFixed(1)}×`, widest: '000.0×' });
	return facts;
}

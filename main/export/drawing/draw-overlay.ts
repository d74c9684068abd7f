import { CLUSTER_COLOUR_COUNT } from '../../domain/cluster-colours.ts';
import {
	CAMERA_COLOURS,
	layCameraInset,
	type CameraInset,
	type CameraTrack,
} from '../../domain/camera-inset.ts';
import { cameraAt } from '../../domain/camera-path.ts';
import type { Detections } from '../../domain/detections.ts';
import type { Letterbox } from '../../domain/frame.ts';
import {
	boxDash,
	boxLabel,
	boxRect,
	heatColour,
	heatPaint,
	tokenCells,
	type HeatKind,
	type Rect,
	type TokenCells,
} from '../../domain/overlay-geometry.ts';
import { classColour, inkOn, rgbOf, type Rgb } from '../../domain/palette.ts';
import { placeLabels, type LabelWish } from '../../domain/place-labels.ts';
import { readable } from '../../domain/recording-clock.ts';
import type { Point } from '../../domain/placement.ts';
import type { TokenGrid } from '../../domain/tokens.ts';
import { objectLabel, type TrackNames } from '../../domain/track-labels.ts';
import type { Size } from '../../domain/video.ts';
import type { ZoneSet } from '../../domain/zones.ts';
import {
	BUDGET_COLOUR,
	drawCostStrip,
	FLUSH_COLOUR,
	GROUND,
	INK,
	MUTED,
	type CostScene,
} from './cost-strip.ts';
import { drawZones, type ZoneTallies } from './draw-zones.ts';
import { layOut, type OverlayLayout } from './layout.ts';
import { Picture } from './picture.ts';
import { TextPainter } from './text.ts';

/** What is the same for all frames of a clip. */
export type OverlayOptions = {
	/** Size of the pictures handed to `draw`; `displaySize` or smaller. */
	paneSize: Size;
	panes: PaneOptions[];
	boxes: boolean;
	labels: boolean;
	/** Whether a small map shows where the camera has been, where it is followed. */
	cameraPath: boolean;
	/** Drawn over each picture; null for none. */
	zones: ZoneSet | null;
	strip: boolean;
	/** Whether scenes tell when frames were recorded. */
	recordedTimes: boolean;
	/** 0 to 1. */
	heatOpacity: number;
	/** Classes in the legend, most frequent first. */
	legendClasses: readonly string[];
};

export type PaneOptions = {
	caption: string;
	classes: readonly string[];
	letterbox: Letterbox;
	grid: TokenGrid;
	/** What its tokens are coloured by. */
	heat: HeatKind;
	/** Whether a budget is in force in some frame. */
	hasBudget: boolean;
	/** The path of the camera; null where it is fixed in all frames. */
	track: CameraTrack | null;
	/** Whether some frame has stale boxes. */
	hasStale: boolean;
	/** Of those who are followed. */
	names: TrackNames;
};

/** Everything that is drawn on one frame. */
export type FrameScene = {
	frameIndex: number;
	timeSeconds: number;
	/** As `timesOfDay` tells it; null where it isn't known. */
	recordedAt: string | null;
	panes: PaneScene[];
};

export type PaneScene = {
	/** The detections to draw, best first; boxes in displayed video pixels. */
	detections: Detections;
	/** The identity of each detection; 0 for none. */
	identities: Int32Array;
	/** Whether they belong to an earlier frame; drawn dashed. */
	held: boolean;
	/** The frame's position in the run, or that of the last one before it; −1 for none. */
	row: number;
	/** What zones and lines have counted up to this frame; empty where none are drawn. */
	tallies: ZoneTallies;
	/** A level per token: 0 is not drawn, 1 to 255 is a colour of `heatPaint`. Null: no heat map. */
	heat: Uint8Array | null;
	/**
	 * Whether every token was recomputed, which is unusual in this run; if recomputed tokens are shown, the picture gets
	 * a border.
	 */
	isFull: boolean;
	cost: CostScene | null;
};

export type Overlay = {
	layout: OverlayLayout;
	/** The annotated picture of one frame, RGBA of `layout.size`; holds until the next call. */
	draw(frameRgba: Uint8Array, scene: FrameScene): Uint8Array;
};

const SOME_TIME = '2000-00-00T00:00:00.000Z';
const DATE_LENGTH = 'YYYY-MM-DD '.length;

/** Prepares drawing: layout, fonts, colours and legend are fixed once. Nothing here reads files or clocks. */
export function createOverlay(options: OverlayOptions): Overlay {
	const layout = layOut(options.paneSize, options.panes.length, options.strip);
	const { unit } = layout;
	const picture = new Picture(layout.size);
	const text = new TextPainter(Math.max(9, Math.round(13 * unit)));
	const px = (design: number) => Math.max(1, Math.round(design * unit));
	const opacity = Math.round(255 * options.heatOpacity);
	const classColours = options.panes.map((pane) => pane.classes.map((name) => classPaint(name)));

	const cameraMaps = options.panes.map(({ letterbox, track }, i) =>
		options.cameraPath && track
			? layCameraInset(track, letterbox.displaySize, layout.panes[i]!.picture, unit)
			: null,
	);

	picture.fillRect(0, 0, picture.width, picture.height, GROUND);
	layout.panes.forEach(({ caption }, i) => {
		const mask = text.mask(options.panes[i]!.caption, 600, caption.width - px(20));
		picture.drawMask(mask, caption.x + px(10), middle(caption, mask.height), INK);
	});
	const widest = (time: string) => px(10) + text.width(`frame 0000000   ${time}`, 600) + px(24);
	// A narrow picture has no room for the date.
	const withDate = widest(readable(SOME_TIME)) <= layout.footer.width;
	const shownTime = ({ recordedAt, timeSeconds }: FrameScene) =>
		recordedAt === null ? formatTime(timeSeconds) : readable(recordedAt).slice(withDate ? 0 : DATE_LENGTH);
	const legendLeft =
		layout.footer.x + widest(options.recordedTimes && withDate ? readable(SOME_TIME) : '0:00:00.000');
	drawLegend(picture, layout.footer, legendLeft, options, text, px);

	function draw(frameRgba: Uint8Array, scene: FrameScene): Uint8Array {
		layout.panes.forEach((pane, i) => {
			const { letterbox, grid, heat: kind, track } = options.panes[i]!;
			const paneScene = scene.panes[i]!;
			const { displaySize } = letterbox;
			const inset = cameraMaps[i]?.(paneScene.row) ?? null;
			picture.copyFrom(frameRgba, options.paneSize, pane.picture.x, pane.picture.y);
			if (paneScene.heat && grid) {
				// What tokens were so far is counted by their places on the screen.
				const camera = track && kind !== 'history' ? cameraAt(track.columns, paneScene.row) : null;
				const { xs, ys } = tokenCells(grid, letterbox, pane.picture, camera);
				drawHeat(picture, pane.picture, { xs, ys, levels: paneScene.heat, paint: heatPaint(kind) }, opacity);
			}
			if (paneScene.isFull) picture.strokeRect(pane.picture, px(4), FLUSH_COLOUR);
			const names = options.zones
				? drawZones(picture, pane.picture, options.zones, paneScene.tallies, text, px)
				: [];
			if (options.boxes) drawDetections(pane.picture, paneScene, i, displaySize, inset, names);
			if (inset) drawCamera(picture, pane.picture, inset, px);
			if (pane.strip && paneScene.cost) drawCostStrip(picture, pane.strip, paneScene.cost, text, unit);
		});
		const { footer } = layout;
		const frame = text.mask(`frame ${scene.frameIndex}`, 600);
		const time = text.mask(shownTime(scene), 600);
		picture.fillRect(footer.x, footer.y, legendLeft, footer.height, GROUND);
		picture.drawMask(frame, footer.x + px(10), middle(footer, frame.height), INK);
		picture.drawMask(time, legendLeft - px(24) - time.width, middle(footer, time.height), INK);
		return picture.rgba;
	}

	function drawDetections(
		room: Rect,
		scene: PaneScene,
		pane: number,
		displaySize: Size,
		inset: CameraInset | null,
		names: readonly Rect[],
	): void {
		const { detections, identities, held } = scene;
		const wishes: (LabelWish & { paint: ClassPaint })[] = [];
		// Best last, so that it lies on top.
		for (let i = detections.count - 1; i >= 0; i--) {
			const rect = boxRect(detections.box(i), displaySize, room);
			if (rect === null) continue;
			const classIndex = detections.classIndices[i]!;
			const paint = classColours[pane]![classIndex] ?? classPaint(String(classIndex));
			const box = { ...rect, x: room.x + rect.x, y: room.y + rect.y };
			const dash = boxDash(held, detections.isStale(i));
			picture.strokeRect(box, px(2), paint.paper, dash && px(dash));
			const who = objectLabel(identities[i]!, options.panes[pane]!.names);
			const label = boxLabel(paint.name, detections.scores[i]!, who);
			wishes.push({ rect, label, short: who || paint.name, paint });
		}
		if (!options.labels) return;
		const widthOf = (words: string) => text.width(words) + px(8);
		const labels = placeLabels(wishes, room, widthOf, text.lineHeight, inset ? [inset.rect] : [], names);
		for (const [i, label] of labels.entries()) {
			if (!label) continue;
			const { paper, ink } = wishes[i]!.paint;
			const [x, y] = [room.x + label.x, room.y + label.y];
			picture.fillRect(x, y, label.width, label.height, paper);
			picture.drawMask(text.mask(label.words), x + px(4), y, ink);
		}
	}

	return { layout, draw };
}

/** The levels of tokens in raster order, the position of each token, and the colours of the levels. */
type HeatCells = TokenCells & { levels: Uint8Array; paint: (level: number) => Rgb };

/** Of the ground of the camera's map, out of 255. */
const MAP_OPACITY = 153;
const CAMERA_PATH = rgbOf(CAMERA_COLOURS.path);
const CAMERA_NOW = rgbOf(CAMERA_COLOURS.now);

function drawCamera(
	picture: Picture,
	room: Rect,
	{ rect, lines, now, outline }: CameraInset,
	px: (design: number) => number,
): void {
	const at = ({ x, y }: Point): Point => ({ x: room.x + x, y: room.y + y });
	picture.blendRect(room.x + rect.x, room.y + rect.y, rect.width, rect.height, GROUND, MAP_OPACITY);
	outline.forEach((corner, i) => picture.strokeLine(at(corner), at(outline[(i + 1) % 4]!), px(1), INK));
	for (const line of lines) {
		line.forEach((point, i) =>
			picture.strokeLine(at(line[Math.max(0, i - 1)]!), at(point), px(2), CAMERA_PATH),
		);
	}
	picture.strokeLine(at(now), at(now), px(8), CAMERA_NOW);
}

function drawHeat(picture: Picture, room: Rect, { xs, ys, levels, paint }: HeatCells, opacity: number): void {
	const cols = xs.length - 1;
	for (let row = 0; row + 1 < ys.length; row++) {
		const y = room.y + ys[row]!;
		const height = ys[row + 1]! - ys[row]!;
		for (let col = 0; col < cols; col++) {
			const level = levels[row * cols + col]!;
			if (level === 0) continue;
			const width = xs[col + 1]! - xs[col]!;
			picture.blendRect(room.x + xs[col]!, y, width, height, paint(level), opacity);
		}
	}
}

function drawLegend(
	picture: Picture,
	footer: Rect,
	left: number,
	options: OverlayOptions,
	text: TextPainter,
	px: (design: number) => number,
): void {
	const end = footer.x + footer.width - px(10);
	const swatch = px(12);
	let x = left;
	/** Draws a swatch of `width` and its label if both fit. */
	function item(words: string, width: number, paint: (x: number, y: number) => void): void {
		const mask = text.mask(words);
		if (x + width + px(6) + mask.width > end) return;
		paint(x, middle(footer, swatch));
		picture.drawMask(mask, x + width + px(6), middle(footer, mask.height), MUTED);
		x += width + px(6) + mask.width + px(18);
	}
	const block = (colour: Rgb) => (at: number, y: number) => picture.fillRect(at, y, swatch, swatch, colour);
	const line = (colour: Rgb) => (at: number, y: number) =>
		picture.fillRect(at, y + (swatch >> 1), swatch, px(1), colour);

	const kinds = new Set(options.panes.map(({ heat }) => heat));
	const ramp = (words: string) => {
		const width = px(96);
		item(words, width, (at, y) => {
			for (let i = 0; i < width; i++) {
				picture.fillRect(at + i, y, 1, swatch, heatColour(Math.round((255 * i) / (width - 1))));
			}
		});
	};
	if (kinds.has('frame')) item('recomputed', swatch, block(heatColour(255)));
	if (kinds.has('history')) ramp('recomputed in 0 · 25 · 100 % of frames');
	if (kinds.has('relevance')) ramp('relevance 0 to 100 %');
	if (kinds.has('attention')) ramp('attention, least to most');
	if (kinds.has('blocks')) ramp('updated in 0 to 100 % of gates');
	if (kinds.has('clusters')) {
		const paint = heatPaint('clusters');
		item('clusters', CLUSTER_COLOUR_COUNT * swatch, (at, y) => {
			for (let i = 0; i < CLUSTER_COLOUR_COUNT; i++) {
				picture.fillRect(at + i * swatch, y, swatch, swatch, paint(i + 1));
			}
		});
	}
	if (options.strip) {
		item('full frame', swatch, block(FLUSH_COLOUR));
		item('dense', swatch, line(INK));
		if (options.panes.some((pane) => pane.hasBudget)) item('budget', swatch, line(BUDGET_COLOUR));
	}
	if (options.boxes && options.panes.some((pane) => pane.hasStale)) {
		const edge = { x: 0, y: 0, width: swatch, height: swatch };
		const dash = px(boxDash(false, true));
		item('stale', swatch, (x, y) => picture.strokeRect({ ...edge, x, y }, px(2), MUTED, dash));
	}
	if (options.boxes) {
		for (const name of options.legendClasses) item(name, swatch, block(rgbOf(classColour(name))));
	}
}

type ClassPaint = { name: string; paper: Rgb; ink: Rgb };

function classPaint(name: string): ClassPaint {
	const colour = classColour(name);
	return { name, paper: rgbOf(colour), ink: rgbOf(inkOn(colour)) };
}

function middle(room: Rect, height: number): number {
	return room.y + Math.round((room.height - height) / 2);
}

/** `h:mm:ss.mmm`, with a sign where a file's clock starts below zero. */
export function formatTime(seconds: number): string {
	const milliseconds = Math.round(Math.abs(seconds) * 1000);
	const part = (unit: number, modulus: number, digits: number) =>
		String(Math.floor(milliseconds / unit) % modulus).padStart(digits, '0');
	const hours = Math.floor(milliseconds / 3_600_000);
	const sign = seconds < 0 && milliseconds > 0 ? '-' : '';
	return `${sign}${hours}:${part(60_000, 60, 2)}:${part(1000, 60, 2)}.${part(1, 1000, 3)}`;
}

import { boxDash, heatPaint, type Rect } from '../../main/domain/overlay-geometry.ts';
import { FULL_FRAME_COLOUR } from '../../main/domain/palette.ts';
import type { Size } from '../../main/domain/video.ts';
import { nameRect } from '../../main/domain/zone-geometry.ts';
import type { Point } from '../../main/domain/zones.ts';
import { WHOLE_LABELS, type LabelSize } from './label-size.ts';
import type { BoxMark } from './box-mark.ts';
import type { OverlayScene } from './overlay-scene.ts';
import { TRUTH_LOOKS } from './truth-boxes.ts';
import { placeLabels, type LabelWish } from '../../main/domain/place-labels.ts';

type Pen = Pick<
	CanvasRenderingContext2D,
	| 'clearRect'
	| 'fillRect'
	| 'strokeRect'
	| 'fillText'
	| 'strokeText'
	| 'measureText'
	| 'setLineDash'
	| 'fillStyle'
	| 'strokeStyle'
	| 'lineWidth'
	| 'lineJoin'
	| 'globalAlpha'
	| 'font'
	| 'textBaseline'
>;

/** The name of a zone or line; corners in pixels of the picture. */
export type ShapeName = { words: string; points: readonly Point[] };

/** Heat map below, boxes above, then names of zones and lines, labels on top. `unit` is the canvas's pixels per CSS pixel. */
export function drawOverlay(
	pen: Pen,
	size: Size,
	scene: OverlayScene,
	style: {
		/** Null = none. */
		labels: LabelSize | null;
		heatOpacity: number;
		font: string;
		unit: number;
		/** Areas of the picture that are taken, in its pixels. */
		taken: readonly Rect[];
		names?: readonly ShapeName[];
		/** Of names, in CSS pixels. */
		nameSize?: LabelSize;
	},
): void {
	pen.clearRect(0, 0, size.width, size.height);
	pen.globalAlpha = style.heatOpacity;
	const paint = heatPaint(scene.heatKind);
	for (const { x, y, width, height, level } of scene.heat) {
		pen.fillStyle = `rgb(${paint(level).join(' ')})`;
		pen.fillRect(x, y, width, height);
	}
	pen.globalAlpha = 1;

	const px = (design: number) => Math.max(1, Math.round(design * style.unit));
	if (scene.isFull) {
		const edge = px(4);
		pen.strokeStyle = FULL_FRAME_COLOUR;
		pen.lineWidth = edge;
		pen.setLineDash([]);
		pen.strokeRect(edge / 2, edge / 2, size.width - edge, size.height - edge);
	}
	for (const { rect, paper, stale, chosen, truthMark } of scene.boxes) {
		const thickness = px(chosen ? 4 : 2);
		pen.lineWidth = thickness;
		const dash = truthMark ? TRUTH_LOOKS[truthMark].dash : boxDash(scene.heldFrom !== null, stale);
		pen.setLineDash(dash > 0 ? [px(dash), px(dash)] : []);
		pen.strokeStyle = paper;
		const t = Math.min(thickness, rect.width, rect.height);
		// Inside the box, on whole pixels: a stroke covers both sides of its path.
		pen.strokeRect(rect.x + t / 2, rect.y + t / 2, rect.width - t, rect.height - t);
		if (!chosen) continue;
		const edge = px(2);
		pen.setLineDash([]);
		pen.strokeStyle = '#fff';
		pen.lineWidth = edge;
		pen.strokeRect(rect.x - edge / 2, rect.y - edge / 2, rect.width + edge, rect.height + edge);
	}
	const names = drawNames(pen, size, px, style);
	if (!style.labels) return;
	const { font, line, form } = style.labels;
	pen.font = `${px(font)}px ${style.font}`;
	pen.textBaseline = 'middle';
	const widthOf = (words: string) => Math.ceil(pen.measureText(words).width) + px(8);
	const wishes = scene.boxes.map((box) => labelOf(box, form));
	const labels = placeLabels(wishes, size, widthOf, px(line), style.taken, names);
	for (const [i, label] of labels.entries()) {
		if (!label) continue;
		const { paper, ink } = scene.boxes[i]!;
		pen.fillStyle = paper;
		pen.fillRect(label.x, label.y, label.width, label.height);
		pen.fillStyle = ink;
		pen.fillText(label.words, label.x + px(4), label.y + label.height / 2);
	}
}

/** White with a dark edge, readable on any picture. Returns where they lie. */
function drawNames(
	pen: Pen,
	size: Size,
	px: (design: number) => number,
	{
		names = [],
		nameSize = WHOLE_LABELS,
		font,
	}: { names?: readonly ShapeName[]; nameSize?: LabelSize; font: string },
): Rect[] {
	if (names.length === 0) return [];
	pen.font = `600 ${px(nameSize.font)}px ${font}`;
	pen.textBaseline = 'middle';
	pen.setLineDash([]);
	pen.lineJoin = 'round';
	pen.lineWidth = px(nameSize.font / 4);
	pen.strokeStyle = 'rgb(0 0 0 / 75%)';
	pen.fillStyle = '#fff';
	return names.map(({ words, points }) => {
		const width = Math.ceil(pen.measureText(words).width) + px(6);
		const rect = nameRect(points, { width, height: px(nameSize.line) }, px(4), size);
		const [x, y] = [rect.x + px(3), rect.y + rect.height / 2];
		pen.strokeText(words, x, y);
		pen.fillText(words, x, y);
		return rect;
	});
}

function labelOf({ rect, label, short, who, chosen }: BoxMark, form: LabelSize['form']): LabelWish {
	if (form === 'whole' || chosen) return { rect, label, short };
	const words = form === 'short' ? short : who;
	return { rect, label: words, short: words };
}

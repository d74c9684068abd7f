import { heatPaint } from '../../main/domain/overlay-geometry.ts';
import { OKABE_ITO } from '../../main/domain/palette.ts';
import type { Size } from '../../main/domain/video.ts';
import type { BoxMark, OverlayScene } from './overlay-scene.ts';

type Pen = Pick<
	CanvasRenderingContext2D,
	| 'clearRect'
	| 'fillRect'
	| 'strokeRect'
	| 'fillText'
	| 'measureText'
	| 'setLineDash'
	| 'fillStyle'
	| 'strokeStyle'
	| 'lineWidth'
	| 'globalAlpha'
	| 'font'
	| 'textBaseline'
>;

/** Heat map below, boxes above, labels on top. `unit` is the canvas's pixels per CSS pixel. */
export function drawOverlay(
	pen: Pen,
	size: Size,
	scene: OverlayScene,
	style: { labels: boolean; heatOpacity: number; font: string; unit: number },
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
		pen.strokeStyle = OKABE_ITO.vermillion;
		pen.lineWidth = edge;
		pen.setLineDash([]);
		pen.strokeRect(edge / 2, edge / 2, size.width - edge, size.height - edge);
	}
	const thickness = px(2);
	pen.lineWidth = thickness;
	// Boxes of another frame are dashed: they were right a moment ago.
	pen.setLineDash(scene.heldFrom === null ? [] : [px(6), px(6)]);
	for (const { rect, paper } of scene.boxes) {
		pen.strokeStyle = paper;
		const t = Math.min(thickness, rect.width, rect.height);
		// Inside the box, on whole pixels: a line lies on both sides of its path.
		pen.strokeRect(rect.x + t / 2, rect.y + t / 2, rect.width - t, rect.height - t);
	}
	if (!style.labels) return;
	pen.font = `${px(11)}px ${style.font}`;
	pen.textBaseline = 'middle';
	for (const box of scene.boxes) drawLabel(pen, box, size, px);
}

function drawLabel(pen: Pen, box: BoxMark, size: Size, px: (design: number) => number): void {
	const width = Math.ceil(pen.measureText(box.label).width) + px(8);
	const height = px(16);
	const x = Math.max(0, Math.min(box.rect.x, size.width - width));
	// Above the box; inside it where there is no room above.
	const y = box.rect.y >= height ? box.rect.y - height : box.rect.y;
	pen.fillStyle = box.paper;
	pen.fillRect(x, y, width, height);
	pen.fillStyle = box.ink;
	pen.fillText(box.label, x + px(4), y + height / 2);
}

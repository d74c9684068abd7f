import { expect, it } from 'vitest';
import type { Rect } from '../../main/domain/overlay-geometry.ts';
import type { BoxMark } from './box-mark.ts';
import { drawOverlay, type ShapeName } from './draw-overlay.ts';
import { WHOLE_LABELS } from './label-size.ts';
import { NOTHING } from './overlay-scene.ts';

const SIZE = { width: 400, height: 300 };
const ZONE: ShapeName = { words: 'Yard', points: [[100, 100], [300, 100], [300, 200], [100, 200]] }; // prettier-ignore
const LINE: ShapeName = { words: 'Gate', points: [[2, 4], [300, 40]] }; // prettier-ignore

const boxAt = (rect: Rect): BoxMark => ({
	rect,
	label: 'person 0.90',
	short: 'person',
	who: '',
	paper: 'red',
	ink: 'white',
	stale: false,
	chosen: false,
	truthMark: null,
});

/** What is drawn, in its order: words with where they begin, and filled places. Letters are six pixels wide. */
function drawn(boxes: BoxMark[], names: ShapeName[]): string[] {
	const done: string[] = [];
	const pen = {
		clearRect: () => undefined,
		strokeRect: () => undefined,
		setLineDash: () => undefined,
		strokeText: () => undefined,
		measureText: (words: string) => ({ width: 6 * words.length }) as TextMetrics,
		fillRect: (x: number, y: number, width: number, height: number) =>
			void done.push(`ground ${[x, y, width, height].join(' ')}`),
		fillText: (words: string, x: number, y: number) => void done.push(`${words} ${x} ${y}`),
	} as unknown as Parameters<typeof drawOverlay>[0];
	const style = { labels: WHOLE_LABELS, heatOpacity: 1, font: 'sans', unit: 1, taken: [], names };
	drawOverlay(pen, SIZE, { ...NOTHING, boxes }, style);
	return done;
}

it('writes names in the middle of zones and over the ends of lines, within the picture', () => {
	expect(drawn([], [ZONE, LINE])).toEqual(['Yard 188 150', 'Gate 3 8']);
});

it('lays labels beside names where there is room', () => {
	const box = { x: 180, y: 160, width: 40, height: 60 };
	expect(drawn([boxAt(box)], []).at(-1)).toBe('person 0.90 184 152');
	expect(drawn([boxAt(box)], [ZONE])).toEqual([
		'Yard 188 150',
		'ground 180 220 74 16',
		'person 0.90 184 228',
	]);
});

it('lays labels over names where there is none: what a box is can always be read', () => {
	const low: ShapeName = { words: 'Low', points: [[100, 200], [300, 200], [300, 260], [100, 260]] }; // prettier-ignore
	const box = { x: 180, y: 160, width: 40, height: 60 };
	expect(drawn([boxAt(box)], [ZONE, low])).toEqual([
		'Yard 188 150',
		'Low 191 230',
		'ground 180 144 74 16',
		'person 0.90 184 152',
	]);
});

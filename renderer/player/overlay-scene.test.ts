import { describe, expect, it } from 'vitest';
import { classColour } from '../../main/domain/palette.ts';
import type { RunFrames } from './frame-view.ts';
import { sampleRun } from './harness/sample-run.ts';
import { overlayScene, type OverlayLook } from './overlay-scene.ts';

const SIZE = { width: 320, height: 160 };
const LOOK: OverlayLook = {
	boxes: true,
	labels: true,
	identities: false,
	truth: false,
	camera: true,
	heatMap: 'off',
	heatOpacity: 0.5,
	chosen: null,
};
const run = sampleRun(SIZE); // analysed every second frame; column `frame` of 20 × 10 tokens recomputed

describe('boxes', () => {
	it('stand in the pixels of the canvas, in the colour of their class', () => {
		const { boxes, heldFrom } = overlayScene(run, 4, LOOK, { width: 640, height: 320 });
		expect(boxes.map(({ rect, label, paper }) => ({ rect, label, paper }))).toEqual([
			{
				rect: { x: 288, y: 80, width: 80, height: 100 },
				label: 'bicycle 0.40',
				paper: classColour('bicycle'),
			},
			{
				rect: { x: 128, y: 40, width: 120, height: 160 },
				label: 'person 0.90',
				paper: classColour('person'),
			},
		]);
		expect(heldFrom).toBeNull();
	});

	it('carry the numbers of who is followed, where they are wanted and known', () => {
		const labels = (look: OverlayLook, given: RunFrames = run) =>
			overlayScene(given, 4, look, SIZE).boxes.map(({ label }) => label);
		const wanted = { ...LOOK, identities: true };
		expect(labels(wanted)).toEqual(['bicycle 0.40', '#7 person 0.90']);
		expect(labels(LOOK)).toEqual(['bicycle 0.40', 'person 0.90']);
		expect(labels(wanted, { ...run, identitiesOf: () => null })).toEqual(['bicycle 0.40', 'person 0.90']);
		const of = (identity: number) => ({ ...run, identitiesOf: () => Int32Array.of(identity, 0) });
		expect(labels(wanted, of(1_000_007))).toEqual(['bicycle 0.40', '#7b person 0.90']);
		const trackNames = new Map([[7, 'Courier']]);
		expect(labels(wanted, { ...run, trackNames })).toEqual(['bicycle 0.40', 'Courier person 0.90']);
	});

	it('say what ground truth says of them, by colour, dash and sign, with what is missed', () => {
		const truthOf = () => ({
			verdicts: Uint8Array.of(1, 2),
			objectBoxes: Float32Array.of(0, 0, 40, 40, 0, 0, 20, 20),
			objectClasses: Uint16Array.of(0, 0),
			objectScores: Float32Array.of(Number.NaN, 0.9),
		});
		const marks = (look: OverlayLook) =>
			overlayScene({ ...run, truthOf }, 4, look, SIZE).boxes.map(({ truthMark, short }) => [
				truthMark,
				short,
			]);
		expect(marks({ ...LOOK, truth: true })).toEqual([
			['missed', '? person'],
			['wrong', '✕ bicycle'],
			['right', '✓ person'],
		]);
		expect(marks(LOOK).map(([mark]) => mark)).toEqual([null, null]);
	});

	it('stand out where they belong to who is selected, with or without numbers', () => {
		const chosen = (look: OverlayLook) => overlayScene(run, 4, look, SIZE).boxes.map((box) => box.chosen);
		expect(chosen({ ...LOOK, chosen: { runId: 'sample', identity: 7 } })).toEqual([false, true]);
		expect(chosen({ ...LOOK, chosen: { runId: 'other', identity: 7 } })).toEqual([false, false]);
		expect(chosen(LOOK)).toEqual([false, false]);
	});

	it('are marked where they are stale', () => {
		const view = run.frame(4, false)!;
		const detections = view.detections.withStale(Uint8Array.of(0, 1));
		const { boxes } = overlayScene({ ...run, frame: () => ({ ...view, detections }) }, 4, LOOK, SIZE);
		expect(boxes.map(({ short, stale }) => [short, stale])).toEqual([
			['bicycle', true],
			['person', false],
		]);
	});

	it('are those of the last analysed frame, which is said', () => {
		const own = overlayScene(run, 4, LOOK, SIZE);
		const held = overlayScene(run, 5, LOOK, SIZE);
		expect(held.boxes).toEqual(own.boxes);
		expect(held.heldFrom).toBe(4);
	});

	it.each([
		['below the display threshold of their class', { ...run, displayThresholds: [0.3, 0.5] }, LOOK, 1],
		['that are switched off', run, { ...LOOK, boxes: false }, 0],
		['of a run that has nothing yet', { ...run, frame: () => null }, LOOK, 0],
	] as [string, RunFrames, OverlayLook, number][])('%s are not there', (_, given, look, count) => {
		expect(overlayScene(given, 4, look, SIZE).boxes).toHaveLength(count);
	});
});

describe('the heat map', () => {
	const frame: OverlayLook = { ...LOOK, heatMap: 'frame' };
	const history: OverlayLook = { ...LOOK, heatMap: 'history' };

	it('marks the tokens recomputed in this frame', () => {
		const { heat } = overlayScene(run, 6, frame, SIZE);
		expect(heat).toEqual(
			Array.from({ length: 10 }, (_, row) => ({ x: 96, y: 16 * row, width: 16, height: 16, level: 255 })),
		);
	});

	it('lies where the tokens lie while a camera is followed, but for what is counted by places on the screen', () => {
		const camera = { x: 90, y: 0, scale: 1, rotation: 0, gridX: 5, gridY: -3 };
		const moving: RunFrames = { ...run, frame: (at, hold) => ({ ...run.frame(at, hold)!, camera }) };
		const { heat } = overlayScene(moving, 6, frame, SIZE);
		expect(heat[0]).toEqual({ x: 101, y: 0, width: 16, height: 13, level: 255 });
		expect(heat[1]).toEqual({ x: 101, y: 13, width: 16, height: 16, level: 255 });
		expect(overlayScene(moving, 6, history, SIZE).heat).toEqual(overlayScene(run, 6, history, SIZE).heat);
	});

	it('frames a picture that was recomputed whole, and leaves it clear', () => {
		const full: RunFrames = { ...run, frame: (at, hold) => ({ ...run.frame(at, hold)!, kind: 'flush' }) };
		expect(overlayScene(full, 6, frame, SIZE)).toMatchObject({ isFull: true, heat: [] });
		expect(overlayScene(full, 7, frame, SIZE).isFull).toBe(false); // held from frame 6
		const updates: OverlayLook = { ...LOOK, heatMap: 'blocks' };
		const eventful: RunFrames = { ...full, mapKinds: ['blocks'] };
		expect(overlayScene(eventful, 6, updates, SIZE)).toMatchObject({ isFull: true, heat: [] });
		expect(overlayScene(full, 6, { ...LOOK, heatMap: 'relevance' }, SIZE).isFull).toBe(false);
		expect(overlayScene(full, 6, LOOK, SIZE).isFull).toBe(false); // no heat map asked for
		expect(overlayScene(run, 6, frame, SIZE).isFull).toBe(false);
	});

	it('marks nothing in a frame that was not analysed', () => {
		expect(overlayScene(run, 7, frame, SIZE).heat).toEqual([]);
	});

	it('draws neighbours of one level as one', () => {
		const all = { ...run, history: () => new Float32Array(200).fill(1) };
		const { heat } = overlayScene(all, 7, history, SIZE);
		expect(heat).toHaveLength(10);
		expect(heat[3]).toEqual({ x: 0, y: 48, width: 320, height: 16, level: 255 });
	});

	it('shows how often, on a scale that lets rare ones be seen', () => {
		const levels = overlayScene(run, 7, history, SIZE).heat.slice(0, 19);
		expect(levels[0]).toMatchObject({ x: 16, level: Math.round(255 * Math.sqrt(1 / 20)) });
		expect(levels[18]).toMatchObject({ x: 304, level: Math.round(255 * Math.sqrt(19 / 20)) });
	});

	describe('of a map', () => {
		const relevance: OverlayLook = { ...LOOK, heatMap: 'relevance' };

		it('shows its levels in the frame that it is of', () => {
			const { heat, heatKind } = overlayScene(run, 6, relevance, SIZE);
			expect(heatKind).toBe('relevance');
			expect(heat).toHaveLength(200);
			expect(heat[0]).toEqual({ x: 0, y: 0, width: 16, height: 16, level: 6 });
			expect(overlayScene(run, 7, relevance, SIZE).heat).toEqual([]);
		});

		it('gives clusters that touch different levels, and draws each as one', () => {
			const { heat } = overlayScene(run, 6, { ...LOOK, heatMap: 'clusters' }, SIZE);
			expect(heat).toHaveLength(5 * 10);
			expect(heat.slice(0, 5).map(({ x, width }) => [x, width])).toEqual(
				[0, 64, 128, 192, 256].map((x) => [x, 64]),
			);
			const levels = heat.slice(0, 5).map(({ level }) => level);
			for (let i = 1; i < 5; i++) expect(levels[i]).not.toBe(levels[i - 1]);
		});

		it('that the run has not shows the tokens of the frame', () => {
			const plain = overlayScene(run, 6, frame, SIZE);
			expect(overlayScene({ ...run, mapKinds: [] }, 6, relevance, SIZE)).toEqual(plain);
		});

		it('is empty while the map is on its way', () => {
			expect(overlayScene({ ...run, mapOf: () => null }, 6, relevance, SIZE).heat).toEqual([]);
		});
	});

	it.each([
		['is off', run, LOOK],
		['is not known yet', { ...run, history: () => null }, history],
	] as [string, RunFrames, OverlayLook][])('is empty where it %s', (_, given, look) => {
		expect(overlayScene(given, 6, look, SIZE).heat).toEqual([]);
	});
});

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clusterLevels } from '../domain/cluster-colours.ts';
import { resolveSettings, type SettingValues } from '../domain/settings-table.ts';
import type { ZoneSet } from '../domain/zones.ts';
import { OVERLAY_SETTINGS } from './overlay-settings.ts';
import { inTemporaryFolder, OTHER_MODEL, storeSampleRun, type SampleRun } from './run.fixture.ts';
import { openScenes, type Scenes } from './scenes.ts';

async function withScenes(
	samples: SampleRun[],
	settings: SettingValues,
	test: (scenes: Scenes) => void,
	zones: ZoneSet | null = null,
): Promise<void> {
	await inTemporaryFolder(async (folder) => {
		const runs = [];
		for (const [i, sample] of samples.entries())
			runs.push(await storeSampleRun(join(folder, `${i}`), sample));
		const resolved = resolveSettings(OVERLAY_SETTINGS, settings, 'test');
		test(await openScenes(runs, [], resolved, { width: 64, height: 48 }, { zones }));
	});
}

const pane = (scenes: Scenes, frame: number, hold = true, i = 0) =>
	scenes.at(frame, frame / 10, hold).panes[i]!;

describe('scenes', () => {
	it('show no detection below the threshold of the run, or of the settings', async () => {
		await withScenes([{}], {}, (scenes) => expect(pane(scenes, 0).detections.count).toBe(1));
		await withScenes([{}], { minScore: 0.1 }, (scenes) => expect(pane(scenes, 0).detections.count).toBe(2));
		await withScenes([{ header: { displayThresholds: [0.95, 0.1] } }], {}, (scenes) =>
			expect([...pane(scenes, 0).detections.classIndices]).toEqual([1]),
		);
	});

	it('tell what zones and lines have counted up to a frame', async () => {
		const zones: ZoneSet = {
			format: 'sparsight-zones',
			version: 1,
			pictureSize: { width: 128, height: 96 },
			anchor: 'bottom',
			hysteresis: 0.05,
			zones: [{ id: 'zone-1', name: 'Yard', points: [[28, 0], [128, 0], [128, 96], [28, 96]] }], // prettier-ignore
			lines: [{ id: 'line-2', name: 'Gate', from: [28, 0], to: [28, 96] }],
		};
		const check = (scenes: Scenes) => {
			expect(pane(scenes, 3).tallies).toEqual(['0 inside, 0 entered', '0 with the arrow, 0 against']);
			expect(pane(scenes, 8).tallies).toEqual(['1 inside, 1 entered', '0 with the arrow, 1 against']);
			expect(scenes.overlay.zones).toMatchObject({ pictureSize: { width: 64, height: 48 } });
		};
		await withScenes([{}], {}, check, zones);
		const none = (scenes: Scenes) =>
			expect([scenes.overlay.zones, pane(scenes, 8).tallies]).toEqual([null, []]);
		await withScenes([{}], { zones: false }, none, zones);
		await withScenes([{}], {}, none, { ...zones, zones: [], lines: [] });
	});

	it('number who is followed, where the labels are wanted', async () => {
		await withScenes([{}], { minScore: 0.1 }, (scenes) =>
			expect([...pane(scenes, 3).identities]).toEqual([1, 0]),
		);
		await withScenes([{}], { minScore: 0.1, identities: false }, (scenes) =>
			expect([...pane(scenes, 3).identities]).toEqual([0, 0]),
		);
	});

	it.each([
		[true, 1],
		[false, 0],
	])('between analysed frames, holding %s, show %i boxes of the last one', async (hold, count) => {
		await withScenes([{ every: 4 }], {}, (scenes) => {
			const scene = pane(scenes, 6, hold);
			expect(scene).toMatchObject({ held: true, isFull: false });
			expect(scene.detections.count).toBe(count);
			if (count) expect(scene.detections.box(0)[0]).toBe(6); // the walker of frame 4
			expect(pane(scenes, 8, hold)).toMatchObject({ held: false, detections: { count: 1 } });
			expect([scenes.isAnalysed(8), scenes.isAnalysed(9)]).toEqual([true, false]);
		});
	});

	it('colour the tokens of this frame; a full frame is framed instead', async () => {
		await withScenes([{}], { heat: 'frame' }, (scenes) => {
			const first = pane(scenes, 0);
			expect(first.isFull).toBe(true);
			expect(Math.max(...first.heat!)).toBe(0);
			const later = pane(scenes, 5);
			expect(later.isFull).toBe(false);
			expect(Array.from(later.heat!.keys()).filter((token) => later.heat![token])).toEqual([5]);
		});
	});

	it('colour how often each token was recomputed so far, however many frames are jumped over', async () => {
		await withScenes([{}], { heat: 'history' }, (scenes) => {
			const heat = pane(scenes, 3).heat!;
			expect(heat[2]).toBe(Math.round(255 * Math.sqrt(2 / 4))); // frame 0 and frame 2, of four
			expect(heat[9]).toBe(Math.round(255 * Math.sqrt(1 / 4))); // frame 0
		});
	});

	it('colour a map of the tokens where the run has one, else the tokens of the frame', async () => {
		const values = Uint8Array.from({ length: 12 }, (_, token) => 20 * token);
		const mapped: SampleRun = { every: 2, mapsOf: () => [{ kind: 'relevance', values }] };
		await withScenes([mapped, {}], { heat: 'relevance' }, (scenes) => {
			expect(scenes.overlay.panes.map(({ heat }) => heat)).toEqual(['relevance', 'frame']);
			expect(pane(scenes, 0).heat).toEqual(values); // a full frame, too
			expect(pane(scenes, 4).heat).toEqual(values);
			const later = pane(scenes, 5, true, 1).heat!;
			expect(Array.from(later.keys()).filter((token) => later[token])).toEqual([5]);
			expect(Math.max(...pane(scenes, 5).heat!)).toBe(0); // not analysed
		});
	});

	it('colour the share of gates that updated each token; a full frame is framed instead', async () => {
		const mapped: SampleRun = {
			mapsOf: (i) => [{ kind: 'blocks', values: new Uint8Array(12).fill(255 - i) }],
		};
		await withScenes([mapped], { heat: 'blocks' }, (scenes) => {
			expect(pane(scenes, 0)).toMatchObject({ isFull: true, heat: new Uint8Array(12) });
			expect(pane(scenes, 5)).toMatchObject({ isFull: false, heat: new Uint8Array(12).fill(250) });
		});
	});

	it('colour clusters so that neighbours differ', async () => {
		const values = Uint8Array.of(9, 9, 77, 77, 9, 9, 77, 77, 0, 0, 200, 200);
		const mapped: SampleRun = { mapsOf: () => [{ kind: 'clusters', values }] };
		await withScenes([mapped], { heat: 'clusters' }, (scenes) => {
			const heat = pane(scenes, 3).heat!;
			expect(heat).toEqual(clusterLevels(values, { rows: 3, cols: 4 }));
			expect(new Set(heat).size).toBe(4);
		});
	});

	it.each(['off', 'history', 'relevance'])('do not frame a full frame where %s is shown', async (heat) => {
		const values = new Uint8Array(12).fill(7);
		const mapped: SampleRun = { mapsOf: () => [{ kind: 'relevance', values }] };
		await withScenes([mapped], { heat }, (scenes) => expect(pane(scenes, 0).isFull).toBe(false));
	});

	it('never frame a run whose frames are all full', async () => {
		await withScenes([{ mode: 'dense' }], {}, (scenes) => expect(pane(scenes, 4).isFull).toBe(false));
	});

	it('say what was saved, and how much faster than the dense run beside it', async () => {
		const dense: SampleRun = { mode: 'dense', runMilliseconds: 98 };
		await withScenes([{}, dense], {}, (scenes) => {
			const cost = pane(scenes, 9).cost!;
			expect(cost.saved).toBeCloseTo(1 - (1 + 9 * 0.1) / 10, 6);
			expect(cost.speedUp).toBeCloseTo(100 / 12, 5);
			expect(cost.scale.denseMilliseconds).toBe(100);
			expect(pane(scenes, 9, true, 1).cost!.speedUp).toBeNull();
		});
		await withScenes([{}], {}, (scenes) => {
			expect(pane(scenes, 9).cost).toMatchObject({ speedUp: null, scale: { denseMilliseconds: null } });
		});
	});

	it('draw the line of dense where the dense run in float32 is, whichever comes first', async () => {
		const rounded: SampleRun = { mode: 'dense', runMilliseconds: 48, header: { precision: 'int8' } };
		const dense: SampleRun = { mode: 'dense', runMilliseconds: 98 };
		await withScenes([rounded, {}, dense], {}, (scenes) => {
			const costs = scenes.at(9, 0, true).panes.map(({ cost }) => cost!);
			expect(costs.map(({ scale }) => scale.denseMilliseconds)).toEqual([100, 100, 100]);
		});
	});

	it('measure two models against the dense run of the reduced one, each line at its own model’s', async () => {
		const rival: SampleRun = { mode: 'dense', runMilliseconds: 18, header: { model: OTHER_MODEL } };
		const dense: SampleRun = { mode: 'dense', runMilliseconds: 98 };
		await withScenes([rival, {}, dense], {}, (scenes) => {
			const [ofRival, ofCache, ofDense] = scenes.at(9, 0, true).panes.map(({ cost }) => cost!);
			expect(ofRival!.speedUp).toBeCloseTo(100 / 20, 5);
			expect(ofCache!.speedUp).toBeCloseTo(100 / 12, 5);
			expect(ofDense!.speedUp).toBeNull();
			const lines = [ofRival, ofCache, ofDense].map((cost) => cost!.scale.denseMilliseconds);
			expect(lines).toEqual([20, 100, 100]);
		});
		await withScenes([rival, {}], {}, (scenes) => {
			const costs = scenes.at(9, 0, true).panes.map(({ cost }) => cost!);
			expect(costs.map(({ speedUp }) => speedUp)).toEqual([null, null]);
			expect(costs.map(({ scale }) => scale.denseMilliseconds)).toEqual([20, null]);
		});
	});

	it('name the classes that are shown in the legend, most frequent first', async () => {
		await withScenes([{}], { minScore: 0.1 }, (scenes) => {
			expect(scenes.overlay.legendClasses).toEqual(['person', 'bicycle']);
		});
	});
});

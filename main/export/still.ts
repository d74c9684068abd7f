import { writeFile } from 'node:fs/promises';
import { resolveSettings } from '../domain/settings-table.ts';
import { openVideoOf } from './clip-frames.ts';
import { encodePng } from './encode-png.ts';
import type { ExportFormat } from './format.ts';
import { OVERLAY_SETTINGS } from './overlay-settings.ts';
import { writePartialFirst } from './partial-file.ts';
import { firstFrame } from './picked-frames.ts';
import { checkRuns, openScenes, paneSizeOf } from './scenes.ts';

/** One frame as the clip shows it: the first of the range, or the first that the main run analysed. */
export const still: ExportFormat = {
	id: 'still',
	title: 'Still',
	fileExtension: 'png',
	description: 'One frame as a PNG: the first of the range, with boxes, token heat map and costs.',
	settings: OVERLAY_SETTINGS,
	comparesRuns: true,
	readsZones: true,
	async write(request) {
		const { runs, labels, out, range, settings, signal, onProgress } = request;
		checkRuns(runs);
		const main = runs[0]!;
		const resolved = resolveSettings(OVERLAY_SETTINGS, settings, 'format still');
		const sources = runs.map((run) => run.header.video.path);
		await writePartialFirst(out, sources, async (partial) => {
			const { video } = await openVideoOf(main);
			const paneSize = paneSizeOf(video, resolved);
			const frame = await firstFrame(main, video, range, paneSize, signal);
			const scenes = await openScenes(runs, labels, resolved, paneSize, request);
			// Drawing needs a native canvas and fonts: loaded only if something is drawn.
			const { createOverlay } = await import('./drawing/draw-overlay.ts');
			const overlay = createOverlay(scenes.overlay);
			const rgba = overlay.draw(frame.pixels, scenes.at(frame.index, frame.timeSeconds, true));
			await writeFile(partial, await encodePng(rgba, overlay.layout.size));
			onProgress?.(1, 1);
		});
	},
};

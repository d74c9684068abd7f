import { writeFile } from 'node:fs/promises';
import { presenceOf } from '../counting/presence.ts';
import { fitZones } from '../counting/zone-file.ts';
import { readable } from '../domain/recording-clock.ts';
import { resolveSettings, type SettingsTable } from '../domain/settings-table.ts';
import { pathsOfRun } from '../tracking/run-paths.ts';
import { openVideoOf } from './clip-frames.ts';
import { encodePng } from './encode-png.ts';
import type { ExportFormat } from './format.ts';
import { identitiesOfRun, inTurnsUnlessCancelled } from './identities.ts';
import { writePartialFirst } from './partial-file.ts';
import { firstFrame } from './picked-frames.ts';
import { timeOfDayOf } from './times-of-day.ts';

const PRESENCE_SETTINGS = {
	opacity: {
		kind: 'number',
		default: 0.6,
		min: 0.05,
		max: 1,
		step: 0.05,
		description: 'How much of the picture the map hides.',
	},
} as const satisfies SettingsTable;

/**
 * Where the objects of the whole run have been, over the first frame of the range or of the run. A search says of which class; the
 * anchor is that of the zones.
 */
export const presence: ExportFormat = {
	id: 'presence',
	title: 'Presence map',
	fileExtension: 'png',
	description: 'Where objects have been, as a map over one frame: the first of the range.',
	settings: PRESENCE_SETTINGS,
	readsZones: true,
	async write(request) {
		const { runs, labels, out, range, search, clock, signal, onProgress } = request;
		const run = runs[0]!;
		const { opacity } = resolveSettings(PRESENCE_SETTINGS, request.settings, 'format presence');
		const { displaySize: size } = run.header.video;
		const zones = request.zones ? fitZones(request.zones, size, 'the zones').zones : null;
		const classIndex = search?.filter.classes?.[0] ?? null;
		const identities = await identitiesOfRun(run, signal);
		const paths = await inTurnsUnlessCancelled(pathsOfRun(run, identities), signal);
		const map = presenceOf(paths, size, zones?.anchor ?? 'bottom', classIndex);
		const who = classIndex === null ? null : (run.header.model.classes[classIndex] ?? String(classIndex));
		await writePartialFirst(out, [run.header.video.path], async (partial) => {
			const { video } = await openVideoOf(run);
			const frame = await firstFrame(run, video, range, size, signal);
			// Drawing needs a native canvas and fonts: loaded only if something is drawn.
			const { drawPresence } = await import('./drawing/draw-presence.ts');
			const { formatTime } = await import('./drawing/draw-overlay.ts');
			const recordedAt = timeOfDayOf(run, clock)?.(frame.timeSeconds);
			const time = recordedAt ? readable(recordedAt) : formatTime(frame.timeSeconds);
			const drawn = drawPresence(frame.pixels, size, {
				map,
				opacity,
				zones,
				caption: [labels[0]!, who ?? 'all classes', 'where they have been'].join(' · '),
				moment: `over frame ${frame.index}   ${time}`,
			});
			await writeFile(partial, await encodePng(drawn.rgba, drawn.size));
			onProgress?.(1, 1);
		});
	},
};

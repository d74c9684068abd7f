import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeClip } from '../../main/application/application.fixture.ts';
import { EXPORT_FORMATS } from '../../main/export/index.ts';
import { storeSampleRun } from '../../main/export/run.fixture.ts';
import { writeExport } from '../../main/export/write-export.ts';
import { identifyVideo } from '../../main/video/identity.ts';
import { probeVideo } from '../../main/video/probe.ts';
import { SOME_ZONES } from '../note-subjects.ts';
import { nothing, type Writer } from './writer.ts';

/** Written by ffmpeg: a small disk stops these; see `small-disk.ts`. */
const BY_OTHERS = ['video', 'redacted', 'clips'];

export const EXPORT_WRITERS = EXPORT_FORMATS.filter(({ id }) => !BY_OTHERS.includes(id)).map(
	({ id, fileExtension }): Writer => ({
		title: `Export ${id}`,
		prepare: async (place) => {
			makeClip(join(place, 'clip.mp4'), 12, '-vf', 'scale=64:48');
			const video = await probeVideo(join(place, 'clip.mp4'));
			const videoIdentity = await identifyVideo(join(place, 'clip.mp4'));
			await storeSampleRun(join(place, 'run'), { header: { video, videoIdentity } });
			writeFileSync(join(place, `out.${fileExtension}`), 'an earlier export');
		},
		open: (place) => {
			const out = join(place, `out.${fileExtension}`);
			return Promise.resolve({
				act: () =>
					writeExport(
						{
							format: id,
							runs: [{ folder: join(place, 'run'), label: 'Run', videoPath: join(place, 'clip.mp4') }],
							out,
							range: null,
							settings: {},
							zones: SOME_ZONES,
							hostPrints: true,
						},
						new AbortController().signal,
						() => undefined,
						// As the desktop does, whose pages make other bytes of it.
						async (page, pdf) => writeFile(pdf, await readFile(page)),
					),
				close: nothing,
			});
		},
		find: (place) => {
			const content = readFileSync(join(place, `out.${fileExtension}`));
			return Promise.resolve({ sha256: createHash('sha256').update(content).digest('hex') });
		},
	}),
);

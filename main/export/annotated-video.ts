import { resolveSettings, type SettingsTable } from '../domain/settings-table.ts';
import type { Size, VideoInfo } from '../domain/video.ts';
import { H264_LONGEST_SIDE } from '../video/write-video.ts';
import { findClipFrames, openVideoOf, type ClipFrames } from './clip-frames.ts';
import { ENCODING_SETTINGS, encodePictures, type ClipPictures, type Encoding } from './encode-clip.ts';
import type { ExportFormat, ExportRequest } from './format.ts';
import { OVERLAY_SETTINGS } from './overlay-settings.ts';
import { writePartialFirst } from './partial-file.ts';
import { checkRuns, fitPaneSize, openScenes, paneSizeOf, type Scenes } from './scenes.ts';

const settings = {
	...OVERLAY_SETTINGS,
	between: {
		kind: 'choice',
		default: 'hold',
		options: {
			hold: 'shown with the boxes of the last analysed frame, dashed',
			plain: 'shown without boxes',
			skip: 'left out of the clip',
		},
		description: 'What becomes of frames that were not analysed (every > 1).',
	},
	...ENCODING_SETTINGS,
} as const satisfies SettingsTable;

/**
 * An mp4 (H.264, yuv420p, faststart) with the frames and times of the source: boxes, heat map and cost strip,
 * 1 to 4 runs side by side. Each frame is decoded once, however many runs are shown.
 */
export const annotatedVideo: ExportFormat = {
	id: 'video',
	title: 'Annotated video',
	fileExtension: 'mp4',
	description: 'The clip with boxes, token heat map and cost strip; several runs side by side.',
	settings,
	comparesRuns: true,
	readsZones: true,
	async write(request) {
		const { runs, labels, range, signal } = request;
		checkRuns(runs);
		const main = runs[0]!;
		const resolved = resolveSettings(settings, request.settings, 'format video');
		const sources = runs.map((run) => run.header.video.path);
		await writePartialFirst(request.out, sources, async (partial) => {
			const opened = await openVideoOf(main);
			const { video } = opened;
			const wanted = paneSizeOf(video, resolved);
			const paneSize = fitPaneSize(wanted, runs.length, resolved, H264_LONGEST_SIDE);
			if (paneSize.height < wanted.height) {
				request.onRemark?.(
					`the pictures are ${paneSize.width} × ${paneSize.height} pixels, not ${wanted.width} × ${wanted.height}, for H.264 encoders take no side above ${H264_LONGEST_SIDE}`,
				);
			}
			const scenes = await openScenes(runs, labels, resolved, paneSize, request);
			const all = await findClipFrames(main, opened, range, signal);
			const clip = resolved.between === 'skip' ? onlyAnalysed(all, scenes) : all;
			await encodeClip(partial, video, paneSize, clip, scenes, request, {
				hold: resolved.between === 'hold',
				sound: resolved.sound,
				crf: resolved.crf,
			});
		});
	},
};

/** Writes the frames of a clip with what `scenes` shows of them; `request.onProgress` is told of these frames. */
export async function encodeClip(
	path: string,
	video: VideoInfo,
	paneSize: Size,
	clip: ClipFrames,
	scenes: Scenes,
	request: Pick<ExportRequest, 'runs' | 'signal' | 'onProgress'>,
	{ hold, ...encoding }: Encoding & { hold: boolean },
): Promise<void> {
	// Drawing needs a native canvas and fonts: loaded only if something is drawn.
	const { createOverlay } = await import('./drawing/draw-overlay.ts');
	const overlay = createOverlay(scenes.overlay);
	const pictures: ClipPictures = {
		video,
		clip,
		frameSize: paneSize,
		size: overlay.layout.size,
		draw: ({ index, timeSeconds, pixels }) => overlay.draw(pixels, scenes.at(index, timeSeconds, hold)),
	};
	await encodePictures(path, pictures, encoding, request);
}

function onlyAnalysed(clip: ClipFrames, scenes: Scenes): ClipFrames {
	const kept = Array.from(clip.frameIndices.keys()).filter((i) => scenes.isAnalysed(clip.frameIndices[i]!));
	return {
		...clip,
		frameIndices: Int32Array.from(kept, (i) => clip.frameIndices[i]!),
		timesSeconds: Float64Array.from(kept, (i) => clip.timesSeconds[i]!),
	};
}

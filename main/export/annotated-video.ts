import { resolveSettings, type SettingsTable } from '../domain/settings-table.ts';
import type { Size, VideoInfo } from '../domain/video.ts';
import { knownFrames } from '../results/frame-columns.ts';
import { readFrames } from '../video/read-frames.ts';
import { H264_LONGEST_SIDE, openVideoWriter } from '../video/write-video.ts';
import { findClipFrames, openVideoOf, soundSpan, type ClipFrames } from './clip-frames.ts';
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
	sound: { kind: 'boolean', default: true, description: 'Keeps the original sound.' },
	crf: {
		kind: 'integer',
		default: 20,
		min: 0,
		max: 51,
		description: 'Quality of the picture: 0 is lossless and large, 51 poor and small.',
	},
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
	{ runs, signal, onProgress }: Pick<ExportRequest, 'runs' | 'signal' | 'onProgress'>,
	{ hold, sound, crf }: { hold: boolean; sound: boolean; crf: number },
): Promise<void> {
	// Drawing needs a native canvas and fonts: loaded only if something is drawn.
	const { createOverlay } = await import('./drawing/draw-overlay.ts');
	const overlay = createOverlay(scenes.overlay);
	const { frameIndices, timesSeconds, endSeconds } = clip;
	const total = frameIndices.length;
	const aborting = signal ? { signal } : {};
	const writer = await openVideoWriter({
		path,
		size: overlay.layout.size,
		timesSeconds,
		endSeconds,
		audioFrom: sound && video.hasAudio ? soundSpan(video.path, clip) : null,
		crf,
		...aborting,
	});
	try {
		const letterbox = { displaySize: video.displaySize, contentSize: paneSize, inputSize: paneSize, fill: 0 };
		let done = 0;
		for await (const frame of readFrames(video, {
			range: clip.range,
			letterbox,
			format: 'rgba',
			known: knownFrames(runs[0]!.frames, frameIndices[0]!),
			...aborting,
		})) {
			if (frame.index !== frameIndices[done]) continue;
			const scene = scenes.at(frame.index, frame.timeSeconds, hold);
			await writer.write(overlay.draw(frame.pixels, scene));
			done++;
			onProgress?.(done, total);
			if (done === total) break;
		}
		await writer.finish();
	} catch (error) {
		await writer.abort();
		throw error;
	}
}

function onlyAnalysed(clip: ClipFrames, scenes: Scenes): ClipFrames {
	const kept = Array.from(clip.frameIndices.keys()).filter((i) => scenes.isAnalysed(clip.frameIndices[i]!));
	return {
		...clip,
		frameIndices: Int32Array.from(kept, (i) => clip.frameIndices[i]!),
		timesSeconds: Float64Array.from(kept, (i) => clip.timesSeconds[i]!),
	};
}

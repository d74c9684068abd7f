import { UserFacingError } from '../../domain/errors.ts';
import { resolveSettings } from '../../domain/settings-table.ts';
import type { Size, VideoInfo } from '../../domain/video.ts';
import type { StoredRun } from '../../results/stored-run.ts';
import { openVideoOf } from '../clip-frames.ts';
import type { ExportRequest } from '../format.ts';
import { OVERLAY_SETTINGS, type OverlaySettings } from '../overlay-settings.ts';
import { pickedFrames } from '../picked-frames.ts';
import { openScenes, paneSizeOf } from '../scenes.ts';
import { sheetFrames, worstFrames, type WorstFrame } from './key-frames.ts';
import type { ReportRun } from './report-runs.ts';

/** A frame as an image of `size` pixels in a `data:` URL. */
export type ReportPicture = { frameIndex: number; timeSeconds: number; size: Size; dataUrl: string };

export type ReportPictures = {
	/** Where the runs agree least, all of them side by side with boxes and recomputed tokens; the worst first. */
	worst: (ReportPicture & WorstFrame)[];
	/** Frames from all over the main run, with its boxes. */
	sheet: ReportPicture[];
	/** Why there are no pictures; null if there are. */
	missing: string | null;
};

const WORST = { maxPaneWidth: 480 };
/** Labels would hide what is small. */
const SHEET = { maxPaneWidth: 240, labels: false };
const WEBP_QUALITY = 80;
const MOST_PANES = 4;

/** The pictures of a report; none, with the reason, where the video is not there any more. Rejects when the request's signal is aborted. */
export async function drawPictures(
	runs: readonly ReportRun[],
	request: Pick<ExportRequest, 'clock' | 'signal'>,
): Promise<ReportPictures> {
	const main = runs[0]!.run;
	const { signal } = request;
	const { edgesSha256 } = main.header.videoIdentity;
	const shown = runs
		.filter(({ run }) => run.header.videoIdentity.edgesSha256 === edgesSha256)
		.slice(0, MOST_PANES);
	try {
		const { video } = await openVideoOf(main);
		const stored = shown.map(({ run }) => run);
		const labels = shown.map(({ label }) => label);
		const worst = worstFrames(shown.map(({ agreement }) => agreement));
		const worstIndices = worst.map(({ frameIndex }) => frameIndex);
		const large = await drawFrames(video, { runs: stored, labels }, worstIndices, WORST, request);
		const sheet = await drawFrames(
			video,
			{ runs: [main], labels },
			sheetFrames(main.frames.frameIndex),
			SHEET,
			request,
		);
		return {
			worst: worst.flatMap((frame) => {
				const picture = large.find(({ frameIndex }) => frameIndex === frame.frameIndex);
				return picture ? [{ ...picture, ...frame }] : [];
			}),
			sheet,
			missing: null,
		};
	} catch (error) {
		if (signal?.aborted || !(error instanceof UserFacingError)) throw error;
		return { worst: [], sheet: [], missing: error.message };
	}
}

async function drawFrames(
	video: VideoInfo,
	{ runs, labels }: { runs: readonly StoredRun[]; labels: readonly string[] },
	frames: readonly number[],
	look: Partial<OverlaySettings>,
	request: Pick<ExportRequest, 'clock' | 'signal'>,
): Promise<ReportPicture[]> {
	if (frames.length === 0) return [];
	const settings: OverlaySettings = resolveSettings(
		OVERLAY_SETTINGS,
		{ strip: false, cameraPath: false, ...look },
		'format report',
	);
	const paneSize = paneSizeOf(video, settings);
	const scenes = await openScenes(runs, labels, settings, paneSize, request);
	// Drawing needs a native canvas and fonts: loaded only if something is drawn.
	const { createOverlay } = await import('../drawing/draw-overlay.ts');
	const overlay = createOverlay(scenes.overlay);
	const { size } = overlay.layout;
	const pictures: ReportPicture[] = [];
	for await (const frame of pickedFrames(runs[0]!, video, frames, paneSize, request.signal)) {
		const rgba = overlay.draw(frame.pixels, scenes.at(frame.index, frame.timeSeconds, false));
		const dataUrl = await webpUrl(rgba, size);
		pictures.push({ frameIndex: frame.index, timeSeconds: frame.timeSeconds, size, dataUrl });
	}
	return pictures;
}

async function webpUrl(rgba: Uint8Array, { width, height }: Size): Promise<string> {
	const { createCanvas, ImageData } = await import('@napi-rs/canvas');
	const canvas = createCanvas(width, height);
	canvas.getContext('2d').putImageData(new ImageData(new Uint8ClampedArray(rgba), width, height), 0, 0);
	return `data:image/webp;base64,${(await canvas.encode('webp', WEBP_QUALITY)).toString('base64')}`;
}

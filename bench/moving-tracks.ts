import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Size } from '../main/domain/video.ts';
import { probeVideo } from '../main/video/probe.ts';
import { seenBox, takeClip } from './camera-clip.ts';
import { recordRun } from './pipeline.ts';
import { scoreTracks, type TracksResult } from './tracks.ts';
import { CAMERA_MOTIONS, type View } from './virtual-camera.ts';

const CRF = 18;

export type MovingTracksRow = {
	motion: string;
	/** Share of the frames in which the camera was taken for moving. */
	followed: number;
	/** Tracks of one run, with what is known of the camera and without. */
	following: TracksResult;
	ignoring: TracksResult;
};

/** Tracks in clips that a virtual camera takes of a video, against the people of MOT ground truth, who move along. */
export async function* benchMovingTracks(options: {
	videoPath: string;
	truthPath: string;
	modelPath: string;
	threads: number;
	frames: number;
	script: string;
}): AsyncGenerator<MovingTracksRow, void> {
	const { videoPath, script } = options;
	const { displaySize } = await probeVideo(videoPath);
	for (const motion of CAMERA_MOTIONS) {
		const folder = await mkdtemp(join(tmpdir(), 'sparsight-camera-'));
		const clip = join(folder, 'clip.mp4');
		const truthPath = join(folder, 'gt.txt');
		try {
			const views = await takeClip(videoPath, clip, motion, CRF, options.frames);
			writeFileSync(truthPath, movedTruth(readFileSync(options.truthPath, 'utf8'), views, displaySize));
			const configuration = { label: 'default', mode: 'token-cache', settings: {} };
			const recorded = await recordRun({ ...options, videoPath: clip, configuration });
			const { run } = recorded;
			yield {
				motion: motion.name,
				followed: (run.frames.camera?.x.filter((x) => !Number.isNaN(x)).length ?? 0) / run.frameCount,
				following: await scoreTracks(run, { truthPath, script }),
				ignoring: await scoreTracks(run, { truthPath, script, followsCamera: false }),
			};
			await rm(recorded.folder, { recursive: true, force: true });
		} finally {
			await rm(folder, { recursive: true, force: true });
		}
	}
}

/** Rows of MOT text where a camera sees them; people whom the picture cuts by more than a half do not count. */
function movedTruth(text: string, views: readonly View[], picture: Size): string {
	const moved = [];
	for (const line of text.split('\n')) {
		const [frame, identity, left, top, width, height, counts = 1] = line.split(',').map(Number);
		const view = views[frame! - 1];
		if (!line.trim() || counts === 0 || !view) continue;
		const seen = seenBox([left!, top!, left! + width!, top! + height!], view, picture);
		if (!seen || seen.isCut) continue;
		moved.push([frame, identity, seen.x, seen.y, seen.width, seen.height, 1].join());
	}
	return `${moved.join('\n')}\n`;
}

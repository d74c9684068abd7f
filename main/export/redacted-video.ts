import { writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { UserFacingError } from '../domain/errors.ts';
import { resolveSettings, type SettingsTable, type SettingValues } from '../domain/settings-table.ts';
import type { FrameRange, Size, VideoInfo } from '../domain/video.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { H264_LONGEST_SIDE } from '../video/write-video.ts';
import { findClipFrames, openVideoOf, type ClipFrames } from './clip-frames.ts';
import { ENCODING_SETTINGS, encodePictures, type ClipPictures } from './encode-clip.ts';
import type { ExportFormat, ExportRequest } from './format.ts';
import { writePartialFirst } from './partial-file.ts';
import { hideBoxes, type Hiding } from './redaction/hide.ts';
import { planRedaction, type RedactionPlan } from './redaction/plan.ts';
import { timeOfDayOf } from './times-of-day.ts';

const settings = {
	whom: {
		kind: 'choice',
		default: 'people',
		options: {
			people: 'people',
			vehicles: 'vehicles',
			both: 'people and vehicles',
			all: 'everything that was found',
			chosen: 'only the objects named below',
		},
		description: 'What is hidden.',
	},
	also: {
		kind: 'numbers',
		default: '',
		description: 'Numbers of followed objects that are hidden as well, whatever they are.',
	},
	except: { kind: 'numbers', default: '', description: 'Numbers of followed objects that stay visible.' },
	how: {
		kind: 'choice',
		default: 'blur',
		options: { blur: 'blur', pixelate: 'pixelate', fill: 'fill with grey' },
		description:
			'Blur and pixels keep at most 8 × 8 mean colours of a box, so that movements can be followed; fill is plain grey and keeps nothing.',
	},
	margin: {
		kind: 'number',
		default: 0.1,
		min: 0,
		max: 1,
		step: 0.05,
		description: 'Boxes are larger by this share of their size on each side.',
	},
	lead: {
		kind: 'number',
		default: 2,
		min: 0,
		max: 10,
		step: 0.1,
		unit: 's',
		description:
			'Hidden for as long before somebody is first seen and after they are last seen; less hides less beside people, and more of them may be seen.',
	},
	leastScore: {
		kind: 'number',
		default: 0.2,
		min: 0,
		max: 1,
		step: 0.01,
		description:
			'Boxes that belong to no followed object are hidden from this score on, so that doubtful ones are as well.',
	},
	...ENCODING_SETTINGS,
} as const satisfies SettingsTable;

/**
 * An mp4 (H.264) with the frames and times of the source in which people, vehicles or chosen objects can't be recognised, and
 * beside it a list of what was hidden, and of the frames in which nobody saw somebody who is: a person should look there.
 */
export const redactedVideo: ExportFormat = {
	id: 'redacted',
	title: 'Redacted video',
	fileExtension: 'mp4',
	description:
		'The clip with people, vehicles or chosen objects made unrecognisable, and a list of what was done.',
	settings,
	companionOf: listPath,
	async write(request) {
		const { runs, out, range, signal } = request;
		const run = runs[0]!;
		const resolved = resolveSettings(settings, request.settings, 'format redacted');
		if (resolved.whom === 'chosen' && resolved.also.trim() === '') {
			throw new UserFacingError(
				'bad-argument',
				'format redacted: numbers of objects were expected in "also", for whom=chosen hides only those (got none).',
			);
		}
		const opened = await openVideoOf(run);
		const clip = await findClipFrames(run, opened, range ?? analysedFrames(run), signal);
		requireAnalysed(run, clip);
		const { video } = opened;
		const choice = { ...resolved, pictureSize: video.displaySize };
		const plan = await planRedaction(run, clip, choice, signal);
		await writePartialFirst(out, [video.path], async (partial) => {
			await encodePictures(partial, hiddenPictures(video, clip, plan, resolved.how), resolved, request);
			const list = `${JSON.stringify(listOf(run, clip, plan, resolved, request), null, '\t')}\n`;
			await writePartialFirst(listPath(out), [video.path], (path) => writeFile(path, list));
		});
		if (plan.interruptions.length > 0) {
			request.onRemark?.(
				`tracks are interrupted in ${plan.interruptions.length} places, which ${listPath(out)} lists: look at them before the clip is handed on`,
			);
		}
	},
};

/** Of the file at `out`: what goes with it. */
function listPath(out: string): string {
	return `${out.slice(0, out.length - extname(out).length)}-redaction.json`;
}

/** From the first to the last analysed frame. */
function analysedFrames({ frames, frameCount }: StoredRun): FrameRange | null {
	if (frameCount === 0) return null;
	const [first, last] = [frames.frameIndex[0]!, frames.frameIndex[frameCount - 1]!];
	return { from: { frame: first }, to: { frame: last }, every: 1 };
}

/** Nobody knows who is in frames before the first or after the last one that was analysed. */
function requireAnalysed(run: StoredRun, { frameIndices }: ClipFrames): void {
	const { frameIndex } = run.frames;
	const [first, last] = [frameIndex[0], frameIndex[run.frameCount - 1]];
	const [from, to] = [frameIndices[0]!, frameIndices.at(-1)!];
	if (first === undefined || last === undefined || from < first || to > last) {
		const span = first === undefined || last === undefined ? 'no frame' : `frames ${first} to ${last}`;
		throw new UserFacingError(
			'bad-range',
			`${run.folder}: the range must lie within what was analysed, ${span} (got ${from} to ${to}): of other frames nobody knows who is in them.`,
		);
	}
}

function hiddenPictures(video: VideoInfo, clip: ClipFrames, plan: RedactionPlan, how: Hiding): ClipPictures {
	const { size, scale } = pictureSize(video.displaySize);
	return {
		video,
		clip,
		frameSize: size,
		size,
		draw({ pixels }, i) {
			hideBoxes(pixels, size, plan.boxesAt(i), scale, how);
			return pixels;
		},
	};
}

/** As displayed, or as large as encoders take. */
function pictureSize({ width, height }: Size): { size: Size; scale: number } {
	const scale = Math.min(1, H264_LONGEST_SIDE / Math.max(width, height));
	return {
		size: { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) },
		scale,
	};
}

/** What was done, for whoever answers for it. */
function listOf(
	run: StoredRun,
	{ frameIndices, timesSeconds }: ClipFrames,
	plan: RedactionPlan,
	chosen: SettingValues,
	{ clock }: ExportRequest,
) {
	const { header } = run;
	const timeOfDay = timeOfDayOf(run, clock);
	const secondsOf = (frame: number) => timesSeconds[frameIndices.indexOf(frame)]!;
	return {
		format: 'sparsight-redaction',
		version: 1,
		video: { path: header.video.path, ...header.videoIdentity },
		model: { name: header.model.name, sha256: header.model.sha256 },
		mode: header.mode,
		analysedEvery: header.range.every,
		frames: { first: frameIndices[0]!, last: frameIndices.at(-1)!, count: frameIndices.length },
		settings: chosen,
		hidden: plan.hidden,
		spared: plan.spared,
		toLookAt: plan.interruptions.map((one) => ({
			...one,
			fromSeconds: secondsOf(one.fromFrame),
			toSeconds: secondsOf(one.toFrame),
			...(timeOfDay && { recordedAt: timeOfDay(secondsOf(one.fromFrame)) }),
		})),
		note: 'A detector finds most of what it knows, not all: look at the clip before it is handed on.',
	};
}

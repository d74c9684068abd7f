import { compareDetections, f1Of, type MatchCounts } from '../main/domain/agreement.ts';
import type { SettingValues } from '../main/domain/settings-table.ts';
import { tokenCount } from '../main/domain/tokens.ts';
import { WHOLE_VIDEO } from '../main/domain/video.ts';
import { cocoAveragePrecision, judge, type Picture } from '../main/evaluation/average-precision.ts';
import { inModelTerms, modelClassesOf } from '../main/evaluation/evaluate-run.ts';
import { readGroundTruth } from '../main/evaluation/ground-truth/index.ts';
import { openModel } from '../main/families/index.ts';
import { createRuntime } from '../main/runtime/onnx-runtime.ts';
import { probeVideo } from '../main/video/probe.ts';
import { readFrames } from '../main/video/read-frames.ts';

/** Frames over which estimates are held against what is true. */
const WINDOW = 50;

export type Policy = { label: string; mode: string; settings: SettingValues };

const cache = (label: string, settings: SettingValues): Policy => ({ label, mode: 'token-cache', settings });
const eventful = (label: string, settings: SettingValues): Policy => ({ label, mode: 'eventful', settings });

export const POLICIES: readonly Policy[] = [
	cache('quality 0.97', {}),
	cache('quality 0.93', { agreement: 0.93 }),
	cache('threshold 2', { threshold: 2 }),
	cache('threshold 6', { threshold: 6 }),
	cache('threshold 10', { threshold: 10 }),
	cache('share 5 %', { fraction: 0.05 }),
	cache('share 10 %', { fraction: 0.1 }),
	cache('share 20 %', { fraction: 0.2 }),
	cache('share 30 %', { fraction: 0.3 }),
	cache('by relevance 10 %', { policy: 'relevance', fraction: 0.1 }),
	cache('by relevance 20 %', { policy: 'relevance', fraction: 0.2 }),
	eventful('eventful, quality', { policy: 'quality' }),
	eventful('eventful 10 %', { fraction: 0.1 }),
];

export type QualityRow = {
	label: string;
	/** Shares of all tokens and of dense's operations, 0 to 1. */
	tokens: number;
	cost: number;
	/** F1 with the dense run, from the display thresholds on. */
	agreement: number;
	/** Mean of what was estimated; null if the mode doesn't. */
	estimated: number | null;
	/** Share of the windows whose true agreement lies within the estimate's bounds. */
	covered: number | null;
	audits: number;
	/** COCO's AP50 of persons; null without ground truth. */
	ap50: number | null;
};

/** Runs policies over a video beside a dense run, and holds what they estimate against what is true. The first row is dense. */
export async function benchQuality(options: {
	videoPath: string;
	/** MOT, COCO or VOC. */
	truthPath: string | null;
	modelPath: string;
	threads: number;
	/** Frames from the beginning. */
	frames: number;
	policies?: readonly Policy[];
}): Promise<QualityRow[]> {
	const video = await probeVideo(options.videoPath);
	const model = await openModel(options.modelPath);
	const truth = options.truthPath === null ? null : readGroundTruth(options.truthPath);
	const classOf = truth ? modelClassesOf(truth, model.classes) : [];
	const person = model.classes.indexOf('person');
	const { displaySize } = video;
	const open = ({ mode, settings }: Pick<Policy, 'mode' | 'settings'>) =>
		model.open(
			{ displaySize, mode, settings, maxSide: 768, scoreThreshold: 0.05 },
			createRuntime(options.threads),
		);
	const dense = await open({ mode: 'dense', settings: {} });
	const lanes = [];
	for (const policy of [{ label: 'dense', mode: 'dense', settings: {} }, ...(options.policies ?? POLICIES)]) {
		const detector = policy.mode === 'dense' ? dense : await open(policy);
		lanes.push({ policy, detector, frames: [] as LaneFrame[], pictures: [] as Picture[] });
	}
	for await (const frame of readFrames(video, {
		range: WHOLE_VIDEO,
		letterbox: dense.letterbox,
		format: 'rgb24',
	})) {
		if (frame.index >= options.frames) break;
		const inFrame = truth?.frames.get(frame.index);
		const objects = truth && inFrame && inModelTerms(inFrame, classOf, truth.pictureSize, displaySize);
		let reference = null;
		for (const { detector, frames, pictures } of lanes) {
			const pixels = detector.prepare(frame);
			const start = performance.now();
			const computed = await detector.run(pixels, detector.select(pixels));
			const found = detector.interpret(computed.output, computed.stale);
			detector.observe(performance.now() - start, found);
			reference ??= found.scoredAtLeast(model.displayThresholds);
			const shown = compareDetections(found.scoredAtLeast(model.displayThresholds), reference);
			const { macs, drift, selection } = computed;
			frames.push({
				shown,
				reduced: drift?.audit ?? shown,
				macs,
				tokens: selection.count,
				drift: drift ?? null,
			});
			if (objects) pictures.push({ found, truth: objects });
		}
	}
	for (const { detector } of lanes) await detector.release();
	const tokens = tokenCount(dense.grid);
	return lanes.map(({ policy, frames, pictures }) => ({
		...summary(frames),
		label: policy.label,
		tokens: total(frames, (frame) => frame.tokens) / (tokens * frames.length),
		cost: total(frames, (frame) => frame.macs) / (dense.denseMacs * frames.length),
		ap50: pictures.length > 0 ? cocoAveragePrecision(judge(pictures, person), 0) : null,
	}));
}

type LaneFrame = {
	/** What was shown, and what the reduced answer was, against dense. */
	shown: MatchCounts;
	reduced: MatchCounts;
	macs: number;
	tokens: number;
	drift: { agreement: number; lower: number; upper: number; audit: MatchCounts | null } | null;
};

function summary(
	frames: readonly LaneFrame[],
): Pick<QualityRow, 'agreement' | 'estimated' | 'covered' | 'audits'> {
	const estimated = frames.filter(({ drift }) => drift).length > 0;
	let [windows, inside] = [0, 0];
	for (let end = WINDOW; estimated && end <= frames.length; end++) {
		const { lower, upper } = frames[end - 1]!.drift!;
		const agreement = f1(frames.slice(end - WINDOW, end).map(({ reduced }) => reduced));
		windows++;
		if (agreement >= lower && agreement <= upper) inside++;
	}
	return {
		agreement: f1(frames.map(({ shown }) => shown)),
		estimated: estimated ? total(frames, ({ drift }) => drift!.agreement) / frames.length : null,
		covered: windows > 0 ? inside / windows : null,
		audits: frames.filter(({ drift }) => drift?.audit).length,
	};
}

function f1(counts: readonly MatchCounts[]): number {
	return f1Of({
		matched: total(counts, ({ matched }) => matched),
		lost: total(counts, ({ lost }) => lost),
		gained: total(counts, ({ gained }) => gained),
	});
}

function total<T>(items: readonly T[], of: (item: T) => number): number {
	return items.reduce((sum, item) => sum + of(item), 0);
}

/** One line of a table. */
export function describeQuality(row: QualityRow): string {
	const percent = (value: number | null) =>
		(value === null ? '-' : `${(100 * value).toFixed(1)} %`).padStart(7);
	return (
		`${row.label.padEnd(18)} tokens ${percent(row.tokens)}  operations ${percent(row.cost)}  ` +
		`agreement ${row.agreement.toFixed(3)}  estimated ${row.estimated?.toFixed(3) ?? '-    '}  ` +
		`within bounds ${percent(row.covered)}  audits ${String(row.audits).padStart(2)}  AP50 ${row.ap50?.toFixed(3) ?? '-'}`
	);
}

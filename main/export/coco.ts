import type { LeastScores } from '../domain/least-scores.ts';
import { resolveSettings, type SettingsTable } from '../domain/settings-table.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { driftValues, warningOf } from './drift-columns.ts';
import type { ExportFormat } from './format.ts';
import { requireRows } from './frames-in-range.ts';
import { writePartialFirst, writeText } from './partial-file.ts';
import { leastScores, rounded, SCORE_SETTINGS } from './score-setting.ts';
import { timeOfDayOf, type TimeOfDay } from './times-of-day.ts';

const settings = {
	layout: {
		kind: 'choice',
		default: 'dataset',
		options: {
			dataset: 'images, annotations with a score, categories',
			results: 'the bare list of detections that COCO evaluation tools load',
		},
		description: 'Which of the two COCO files.',
	},
	...SCORE_SETTINGS,
} as const satisfies SettingsTable;

/**
 * COCO detection format: image id = frame index, category id = class index + 1, `bbox` = left, top, width,
 * height in displayed video pixels. Images also carry `frame_index`, `time_seconds` and, where it is known, `date_captured`; and `attributes` where the mode
 * estimates the agreement with dense; annotations then tell whether they are stale.
 */
export const coco: ExportFormat = {
	id: 'coco',
	title: 'COCO',
	fileExtension: 'json',
	description: 'COCO JSON: an image per frame, annotations with scores, categories.',
	settings,
	async write({ runs, out, range, settings: given, clock, signal, onProgress }) {
		const run = runs[0]!;
		const resolved = resolveSettings(settings, given, 'format coco');
		const rows = requireRows(run, range);
		const annotations = annotationTexts(
			run,
			rows,
			leastScores(run, resolved),
			resolved.layout === 'dataset',
			onProgress,
		);
		const text =
			resolved.layout === 'dataset'
				? dataset(run, rows, annotations, timeOfDayOf(run, clock))
				: list(annotations);
		await writePartialFirst(out, [run.header.video.path], (partial) => writeText(partial, text, signal));
	},
};

function* dataset(
	run: StoredRun,
	rows: Int32Array,
	annotations: Iterable<string>,
	timeOfDay: TimeOfDay,
): Generator<string> {
	const { model, video, createdAt } = run.header;
	const warning = warningOf(run, rows);
	const info = {
		description: `Detections of ${model.name}`,
		version: model.sha256,
		date_created: createdAt,
		ran_on: run.executionWords,
		...(warning && { warning: warning.text }),
	};
	const categories = model.classes.map((name, i) => ({ id: i + 1, name, supercategory: '' }));
	yield `{"info":${JSON.stringify(info)},\n"licenses":[],\n"categories":${JSON.stringify(categories)},\n"images":`;
	yield* list(imageTexts(run, rows, video.displaySize, timeOfDay));
	yield ',\n"annotations":';
	yield* list(annotations);
	yield '}\n';
}

function* imageTexts(
	run: StoredRun,
	rows: Int32Array,
	{ width, height }: { width: number; height: number },
	timeOfDay: TimeOfDay,
): Generator<string> {
	const { frameIndex, timeSeconds } = run.frames;
	for (const row of rows) {
		const frame = frameIndex[row]!;
		yield JSON.stringify({
			id: frame,
			file_name: `frame_${String(frame).padStart(6, '0')}.png`,
			width,
			height,
			frame_index: frame,
			time_seconds: rounded(timeSeconds[row]!, 6),
			...(timeOfDay && { date_captured: timeOfDay(timeSeconds[row]!) }),
			...estimateOf(run, row),
		});
	}
}

/** The estimate of a frame, as attributes of its image. */
function estimateOf(run: StoredRun, row: number) {
	const drift = run.drift(row);
	return drift && { attributes: driftValues(drift) };
}

/** Annotation ids begin at 1: COCO's evaluation takes id 0 for "unmatched". */
function* annotationTexts(
	run: StoredRun,
	rows: Int32Array,
	least: LeastScores,
	whole: boolean,
	onProgress: ((done: number, total: number) => void) | undefined,
): Generator<string> {
	let id = 0;
	let done = 0;
	for (const row of rows) {
		const detections = run.detections(row).scoredAtLeast(least);
		for (let i = 0; i < detections.count; i++) {
			const [left, top, right, bottom] = detections.box(i);
			const width = rounded(right - left, 2);
			const height = rounded(bottom - top, 2);
			const common = {
				image_id: run.frames.frameIndex[row]!,
				category_id: detections.classIndices[i]! + 1,
				bbox: [rounded(left, 2), rounded(top, 2), width, height],
				score: rounded(detections.scores[i]!, 4),
			};
			id++;
			const stale = run.frames.drift && { attributes: { stale: detections.isStale(i) } };
			const area = rounded(width * height, 2);
			yield JSON.stringify(whole ? { id, ...common, area, iscrowd: 0, ...stale } : common);
		}
		done++;
		onProgress?.(done, rows.length);
	}
}

/** A JSON list, one item per line. */
function* list(items: Iterable<string>): Generator<string> {
	let before = '[\n';
	for (const item of items) {
		yield before + item;
		before = ',\n';
	}
	yield before === '[\n' ? '[]' : '\n]';
}

import type { CameraPath } from '../domain/camera-path.ts';
import { STAGES } from '../domain/cost.ts';
import { executionAt, executionCode } from '../domain/execution.ts';
import type { LeastScores } from '../domain/least-scores.ts';
import { resolveSettings, type SettingsTable } from '../domain/settings-table.ts';
import { SELECTION_KINDS } from '../domain/tokens.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { csvLine } from './csv-line.ts';
import { DRIFT_COLUMNS, driftValues, warningOf } from './drift-columns.ts';
import type { ExportFormat } from './format.ts';
import { requireRows } from './frames-in-range.ts';
import { followRun, IDENTITIES, type FollowedRun } from './identities.ts';
import { writePartialFirst, writeText } from './partial-file.ts';
import { leastScores, rounded, SCORE_SETTINGS } from './score-setting.ts';
import { timeOfDayOf, type TimeOfDay } from './times-of-day.ts';

const settings = {
	table: {
		kind: 'choice',
		default: 'detections',
		options: { detections: 'a row per detection', frames: 'a row per frame, with its cost' },
		description: 'What a row is.',
	},
	identities: { ...IDENTITIES, shownWhen: { setting: 'table', is: 'detections' } },
	...SCORE_SETTINGS,
} as const satisfies SettingsTable;

/** RFC 4180: commas, CRLF, a header line with units in the names. */
export const csv: ExportFormat = {
	id: 'csv',
	title: 'CSV',
	fileExtension: 'csv',
	description: 'A table for spreadsheets: a row per detection, or a row per frame with tokens and cost.',
	settings,
	async write({ runs, out, range, settings: given, clock, signal, onProgress }) {
		const run = runs[0]!;
		const resolved = resolveSettings(settings, given, 'format csv');
		const least = leastScores(run, resolved);
		const rows = requireRows(run, range);
		const wanted = resolved.table === 'detections' && resolved.identities;
		const followed = await followRun(run, wanted, signal);
		const timeOfDay = timeOfDayOf(run, clock);
		const lines =
			resolved.table === 'frames'
				? frameLines(run, rows, least, timeOfDay, onProgress)
				: detectionLines(run, rows, least, followed, timeOfDay, onProgress);
		await writePartialFirst(out, [run.header.video.path], (partial) => writeText(partial, lines, signal));
	},
};

// prettier-ignore
const DETECTION_COLUMNS = [
	'frame', 'time_s', 'class', 'score', 'left_px', 'top_px', 'right_px', 'bottom_px', 'identity',
];

/** What a person called the object, in runs where some have a name. */
const NAME_COLUMN = 'name';

/** When a frame was recorded (ISO 8601), where that is known. */
const CLOCK_COLUMN = 'recorded_at';

/** Columns of runs whose mode estimates how far from dense the answers may be. */
const ESTIMATE_COLUMNS = [...DRIFT_COLUMNS, 'warning'];

/** Their fields in `row`, but for the warning; none in other runs. */
function estimateFields(run: StoredRun, row: number): (string | number)[] {
	if (!run.frames.drift) return [];
	const drift = run.drift(row);
	const values = drift && driftValues(drift);
	return DRIFT_COLUMNS.map((name) => values?.[name] ?? '');
}

function* detectionLines(
	run: StoredRun,
	rows: Int32Array,
	least: LeastScores,
	{ identitiesOf, names }: FollowedRun,
	timeOfDay: TimeOfDay,
	onProgress: ((done: number, total: number) => void) | undefined,
): Generator<string> {
	const { classes } = run.header.model;
	const { frameIndex, timeSeconds } = run.frames;
	const estimates = run.frames.drift !== null;
	const warning = warningOf(run, rows);
	let unsaid = '';
	yield csvLine([
		...DETECTION_COLUMNS,
		...(names.size > 0 ? [NAME_COLUMN] : []),
		...(timeOfDay ? [CLOCK_COLUMN] : []),
		...(estimates ? ['stale', ...ESTIMATE_COLUMNS] : []),
	]);
	let done = 0;
	for (const row of rows) {
		const detections = run.detections(row).scoredAtLeast(least);
		const identities = identitiesOf(row);
		const estimate = estimateFields(run, row);
		const recorded = timeOfDay ? [timeOfDay(timeSeconds[row]!)] : [];
		if (warning?.row === row) unsaid = warning.text;
		for (let i = 0; i < detections.count; i++) {
			const classIndex = detections.classIndices[i]!;
			yield csvLine([
				frameIndex[row]!,
				rounded(timeSeconds[row]!, 6),
				classes[classIndex] ?? classIndex,
				rounded(detections.scores[i]!, 4),
				...detections.box(i).map((pixels) => rounded(pixels, 2)),
				identities[i]! || '',
				...(names.size > 0 ? [names.get(identities[i]!) ?? ''] : []),
				...recorded,
				...(estimates ? [detections.isStale(i) ? 1 : 0, ...estimate, unsaid] : []),
			]);
			unsaid = '';
		}
		done++;
		onProgress?.(done, rows.length);
	}
}

const FRAME_COLUMNS = [
	'frame',
	'time_s',
	'detections',
	'kind',
	'selected_tokens',
	'macs',
	'budget_macs',
	...STAGES.map((stage) => `${stage}_ms`),
	'ran_on',
];
/** Of runs in which the camera was followed; empty in frames where it was not. */
const CAMERA_COLUMNS = ['camera_x_px', 'camera_y_px', 'camera_scale', 'camera_rotation_rad'];

function* frameLines(
	run: StoredRun,
	rows: Int32Array,
	least: LeastScores,
	timeOfDay: TimeOfDay,
	onProgress: ((done: number, total: number) => void) | undefined,
): Generator<string> {
	const { frameIndex, timeSeconds, kind, selectedTokens, macs, budgetMacs, milliseconds } = run.frames;
	const estimates = run.frames.drift !== null;
	const follows = run.frames.camera !== null;
	const warning = warningOf(run, rows);
	yield csvLine([
		...FRAME_COLUMNS,
		...(timeOfDay ? [CLOCK_COLUMN] : []),
		...(estimates ? ['stale_boxes', ...ESTIMATE_COLUMNS] : []),
		...(follows ? CAMERA_COLUMNS : []),
	]);
	let done = 0;
	for (const row of rows) {
		const budget = budgetMacs[row]!;
		const shown = run.detections(row).scoredAtLeast(least);
		yield csvLine([
			frameIndex[row]!,
			rounded(timeSeconds[row]!, 6),
			shown.count,
			SELECTION_KINDS[kind[row]!]!,
			selectedTokens[row]!,
			macs[row]!,
			Number.isNaN(budget) ? '' : Math.round(budget),
			...STAGES.map((stage) => rounded(milliseconds[stage][row]!, 3)),
			executionCode(executionAt(run.header, run.status.executionChanges, frameIndex[row]!)),
			...(timeOfDay ? [timeOfDay(timeSeconds[row]!)] : []),
			...(estimates ? [shown.staleCount] : []),
			...estimateFields(run, row),
			...(estimates ? [warning?.row === row ? warning.text : ''] : []),
			...(follows ? cameraFields(run.camera(row)) : []),
		]);
		done++;
		onProgress?.(done, rows.length);
	}
}

function cameraFields(camera: CameraPath | null): (string | number)[] {
	if (!camera) return CAMERA_COLUMNS.map(() => '');
	return [rounded(camera.x, 2), rounded(camera.y, 2), rounded(camera.scale, 5), rounded(camera.rotation, 5)];
}

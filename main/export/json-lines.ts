import type { CameraPath } from '../domain/camera-path.ts';
import { STAGES } from '../domain/cost.ts';
import { f1Of } from '../domain/agreement.ts';
import type { Drift } from '../domain/drift.ts';
import { executionAt } from '../domain/execution.ts';
import type { FrameResult } from '../domain/frame-result.ts';
import type { LeastScores } from '../domain/least-scores.ts';
import { resolveSettings, type SettingsTable } from '../domain/settings-table.ts';
import { unpackBitmap, tokenCount } from '../domain/tokens.ts';
import type { TrackNames } from '../domain/track-labels.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { warningOf } from './drift-columns.ts';
import type { ExportFormat } from './format.ts';
import { requireRows } from './frames-in-range.ts';
import { followRun, IDENTITIES } from './identities.ts';
import { writePartialFirst, writeText } from './partial-file.ts';
import { leastScores, rounded, SCORE_SETTINGS } from './score-setting.ts';
import { timeOfDayOf } from './times-of-day.ts';

const settings = {
	identities: IDENTITIES,
	...SCORE_SETTINGS,
	tokens: {
		kind: 'boolean',
		default: false,
		description: 'Adds the indices of the recomputed tokens, in raster order.',
	},
} as const satisfies SettingsTable;

export const jsonLines: ExportFormat = {
	id: 'jsonl',
	title: 'JSON lines',
	fileExtension: 'jsonl',
	description: 'One JSON object a line, one line a frame: detections, tokens and cost.',
	settings,
	async write({ runs, out, range, settings: given, clock, signal, onProgress }) {
		const run = runs[0]!;
		const resolved = resolveSettings(settings, given, 'format jsonl');
		const rows = requireRows(run, range);
		const { identitiesOf, names } = await followRun(run, resolved.identities, signal);
		const warning = warningOf(run, rows);
		const timeOfDay = timeOfDayOf(run, clock);
		function* lines(): Generator<string> {
			let done = 0;
			for (const row of rows) {
				const result = run.result(row);
				const line = frameObject(
					run,
					result,
					timeOfDay?.(result.timeSeconds),
					identitiesOf(row),
					names,
					leastScores(run, resolved),
					resolved.tokens,
				);
				const warned = warning?.row === row ? { warning: warning.text, ...line } : line;
				yield `${JSON.stringify(warned)}\n`;
				done++;
				onProgress?.(done, rows.length);
			}
		}
		await writePartialFirst(out, [run.header.video.path], (partial) => writeText(partial, lines(), signal));
	},
};

/** `box` is left, top, right, bottom in displayed video pixels. */
function frameObject(
	run: StoredRun,
	result: FrameResult,
	recordedAt: string | undefined,
	identities: Int32Array,
	names: TrackNames,
	least: LeastScores,
	withTokens: boolean,
) {
	const { grid, model } = run.header;
	const detections = result.detections.scoredAtLeast(least);
	const { milliseconds } = result.cost;
	return {
		frame: result.frameIndex,
		timeSeconds: rounded(result.timeSeconds, 6),
		...(recordedAt !== undefined && { recordedAt }),
		kind: result.kind,
		selectedTokens: result.selectedTokens,
		...(withTokens ? { tokens: [...unpackBitmap(result.selection, tokenCount(grid))] } : {}),
		...executionAt(run.header, run.status.executionChanges, result.frameIndex),
		macs: result.cost.macs,
		budgetMacs: result.budgetMacs,
		...(result.camera && { camera: roundedPath(result.camera) }),
		milliseconds: Object.fromEntries(STAGES.map((stage) => [stage, rounded(milliseconds[stage], 3)])),
		...(result.drift && { drift: driftObject(result.drift) }),
		detections: Array.from({ length: detections.count }, (_, i) => ({
			...(identities[i] ? { identity: identities[i] } : {}),
			...(names.has(identities[i]!) && { name: names.get(identities[i]!) }),
			class: model.classes[detections.classIndices[i]!] ?? String(detections.classIndices[i]!),
			score: rounded(detections.scores[i]!, 4),
			box: detections.box(i).map((pixels) => rounded(pixels, 2)),
			...(detections.isStale(i) && { stale: true }),
		})),
	};
}

/** `audit` has counts of detections, on frames that were computed dense as well. */
function driftObject({ agreement, lower, upper, audit, ...tokens }: Drift) {
	return {
		...tokens,
		agreement: rounded(agreement, 4),
		lower: rounded(lower, 4),
		upper: rounded(upper, 4),
		audit: audit && { ...audit, f1: rounded(f1Of(audit), 4) },
	};
}

/** `x` and `y` in displayed video pixels against the first frame, `rotation` in radians. */
function roundedPath({ x, y, scale, rotation }: CameraPath): Omit<CameraPath, 'gridX' | 'gridY'> {
	return { x: rounded(x, 2), y: rounded(y, 2), scale: rounded(scale, 5), rotation: rounded(rotation, 5) };
}

import { STAGES } from '../domain/cost.ts';
import type { FrameResult } from '../domain/frame-result.ts';
import type { LeastScores } from '../domain/least-scores.ts';
import { resolveSettings, type SettingsTable } from '../domain/settings-table.ts';
import { unpackBitmap, tokenCount } from '../domain/tokens.ts';
import type { StoredRun } from '../results/stored-run.ts';
import type { ExportFormat } from './format.ts';
import { requireRows } from './frames-in-range.ts';
import { followRun, IDENTITIES } from './identities.ts';
import { writePartialFirst, writeText } from './partial-file.ts';
import { leastScores, rounded, SCORE_SETTINGS } from './score-setting.ts';

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
	async write({ runs, out, range, settings: given, signal, onProgress }) {
		const run = runs[0]!;
		const resolved = resolveSettings(settings, given, 'format jsonl');
		const rows = requireRows(run, range);
		const identitiesOf = await followRun(run, resolved.identities, signal);
		function* lines(): Generator<string> {
			let done = 0;
			for (const row of rows) {
				const line = frameObject(
					run,
					run.result(row),
					identitiesOf(row),
					leastScores(run, resolved),
					resolved.tokens,
				);
				yield `${JSON.stringify(line)}\n`;
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
	identities: Int32Array,
	least: LeastScores,
	withTokens: boolean,
) {
	const { grid, model } = run.header;
	const detections = result.detections.scoredAtLeast(least);
	const { milliseconds } = result.cost;
	return {
		frame: result.frameIndex,
		timeSeconds: rounded(result.timeSeconds, 6),
		kind: result.kind,
		selectedTokens: result.selectedTokens,
		...(withTokens ? { tokens: [...unpackBitmap(result.selection, tokenCount(grid))] } : {}),
		macs: result.cost.macs,
		budgetMacs: result.budgetMacs,
		milliseconds: Object.fromEntries(STAGES.map((stage) => [stage, rounded(milliseconds[stage], 3)])),
		detections: Array.from({ length: detections.count }, (_, i) => ({
			...(identities[i] ? { identity: identities[i] } : {}),
			class: model.classes[detections.classIndices[i]!] ?? String(detections.classIndices[i]!),
			score: rounded(detections.scores[i]!, 4),
			box: detections.box(i).map((pixels) => rounded(pixels, 2)),
		})),
	};
}

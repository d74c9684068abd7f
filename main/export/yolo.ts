import { strToU8 } from 'fflate';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { LeastScores } from '../domain/least-scores.ts';
import { resolveSettings, type SettingsTable } from '../domain/settings-table.ts';
import type { StoredRun } from '../results/stored-run.ts';
import type { ExportFormat } from './format.ts';
import { requireRows } from './frames-in-range.ts';
import { writePartialFirst } from './partial-file.ts';
import { leastScores, rounded, SCORE_SETTINGS } from './score-setting.ts';
import { archiveOf } from './zip.ts';

const settings = {
	confidence: {
		kind: 'boolean',
		default: false,
		description: 'Adds the score to every line, as predictions have it; labels for training do not.',
	},
	...SCORE_SETTINGS,
} as const satisfies SettingsTable;

/**
 * Labels for YOLO trainers (docs.ultralytics.com/datasets/detect), in one archive: `labels/frame_000123.txt` with a
 * line per box, class and centre x, centre y, width, height as shares of the picture, and `data.yaml` with the classes.
 */
export const yolo: ExportFormat = {
	id: 'yolo',
	title: 'YOLO',
	fileExtension: 'zip',
	description: 'An archive of YOLO labels: a text per frame, and data.yaml with the names of the classes.',
	settings,
	async write({ runs, out, range, settings: given, signal, onProgress }) {
		const run = runs[0]!;
		const resolved = resolveSettings(settings, given, 'format yolo');
		const least = leastScores(run, resolved);
		const rows = requireRows(run, range);
		function* files(): Generator<{ name: string; chunks: Uint8Array[] }> {
			yield { name: 'data.yaml', chunks: [strToU8(describeData(run))] };
			let done = 0;
			for (const row of rows) {
				const frame = String(run.frames.frameIndex[row]!).padStart(6, '0');
				const text = labels(run, row, least, resolved.confidence);
				yield { name: `labels/frame_${frame}.txt`, chunks: [strToU8(text)] };
				onProgress?.(++done, rows.length);
			}
		}
		await writePartialFirst(out, [run.header.video.path], (partial) =>
			pipeline(Readable.from(archiveOf(files())), createWriteStream(partial), signal ? { signal } : {}),
		);
	},
};

function describeData(run: StoredRun): string {
	const names = run.header.model.classes.map((name, i) => `  ${i}: ${JSON.stringify(name)}`);
	return [
		`# Found by ${run.header.model.name}, mode ${run.header.mode}, on ${run.executionWords}`,
		'path: .',
		'train: images',
		'val: images',
		'names:',
		...names,
		'',
	].join('\n');
}

function labels(run: StoredRun, row: number, least: LeastScores, withScore: boolean): string {
	const { width, height } = run.header.video.displaySize;
	const detections = run.detections(row).scoredAtLeast(least);
	return Array.from({ length: detections.count }, (_, i) => {
		const [left, top, right, bottom] = detections.box(i);
		const shares = [
			(left + right) / 2 / width,
			(top + bottom) / 2 / height,
			(right - left) / width,
			(bottom - top) / height,
		];
		const score = withScore ? ` ${rounded(detections.scores[i]!, 4)}` : '';
		return `${detections.classIndices[i]!} ${shares.map((share) => rounded(share, 6)).join(' ')}${score}\n`;
	}).join('');
}

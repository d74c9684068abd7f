import { UserFacingError } from '../domain/errors.ts';
import { resolveSettings, type SettingsTable } from '../domain/settings-table.ts';
import type { StoredRun } from '../results/stored-run.ts';
import type { ExportFormat } from './format.ts';
import { requireRows } from './frames-in-range.ts';
import { writePartialFirst, writeText } from './partial-file.ts';
import { followRun, IDENTITIES } from './identities.ts';
import { leastScores, rounded, SCORE_SETTINGS } from './score-setting.ts';

const settings = {
	classes: {
		kind: 'choice',
		default: 'all',
		options: { all: 'every class', person: 'persons only, as the MOTChallenge counts' },
		description: 'The format has no column for the class: choose which ones go in.',
	},
	identities: {
		...IDENTITIES,
		description:
			'Writes the objects that are followed, by their numbers; without it every box, each with a number of its own.',
	},
	...SCORE_SETTINGS,
} as const satisfies SettingsTable;

/**
 * A MOTChallenge text (motchallenge.net/instructions): frame, id, left, top, width, height, score, x, y, z. Frames
 * count from 1; x, y and z are unknown, -1. Evaluation tools (TrackEval, py-motmetrics) refuse an id that comes twice in a
 * frame: tracks therefore leave out boxes of nobody who is followed, and detections are numbered through the file,
 * which no tool takes for a track. The benchmark also counts the pixels of boxes from 1, which most tools ignore: so do we, here and when reading such files.
 */
export const mot: ExportFormat = {
	id: 'mot',
	title: 'MOT',
	fileExtension: 'txt',
	description:
		'MOTChallenge text: a line per box of who is followed, with their number; frames are counted from 1.',
	settings,
	async write({ runs, out, range, settings: given, signal, onProgress }) {
		const run = runs[0]!;
		const resolved = resolveSettings(settings, given, 'format mot');
		const only = resolved.classes === 'person' ? personClass(run) : null;
		const rows = requireRows(run, range);
		const { identitiesOf } = await followRun(run, resolved.identities, signal);
		function* lines(): Generator<string> {
			let done = 0;
			let boxes = 0;
			for (const row of rows) {
				const detections = run.detections(row).scoredAtLeast(leastScores(run, resolved));
				const identities = identitiesOf(row);
				for (let i = 0; i < detections.count; i++) {
					if (only !== null && detections.classIndices[i] !== only) continue;
					const id = resolved.identities ? identities[i]! : ++boxes;
					if (id === 0) continue;
					const [left, top, right, bottom] = detections.box(i);
					const box = [left, top, right - left, bottom - top].map((pixels) => rounded(pixels, 2));
					const score = rounded(detections.scores[i]!, 4);
					yield `${run.frames.frameIndex[row]! + 1},${id},${box.join(',')},${score},-1,-1,-1\n`;
				}
				done++;
				onProgress?.(done, rows.length);
			}
		}
		await writePartialFirst(out, [run.header.video.path], (partial) => writeText(partial, lines(), signal));
	},
};

function personClass(run: StoredRun): number {
	const { name, classes } = run.header.model;
	const index = classes.indexOf('person');
	if (index >= 0) return index;
	throw new UserFacingError(
		'bad-argument',
		`format mot: classes=person needs a model with that class (${name} has none).`,
	);
}

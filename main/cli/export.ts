import type { Command } from 'commander';
import { basename, resolve } from 'node:path';
import { resolveSettings, unusedRemark } from '../domain/settings-table.ts';
import { EXPORT_FORMATS, exportFormat } from '../export/index.ts';
import { evaluateRun } from '../evaluation/evaluate-run.ts';
import { readGroundTruth } from '../evaluation/ground-truth/index.ts';
import { openRun, type StoredRun } from '../results/stored-run.ts';
import { UserFacingError } from '../domain/errors.ts';
import { shortfallSentence } from '../domain/shortfall.ts';
import { collect } from './analyze.ts';
import { readZones } from './count.ts';
import { parseAssignments, parseRange } from './arguments.ts';
import { EXIT } from './exit-codes.ts';
import { MOVED_VIDEO, movedVideo, truthOptions, TRUTH_FROM, type Session } from './options.ts';
import { clockOfOptions } from './recorded-at.ts';
import { shortName } from '../process/short-name.ts';
import { settingsHelp, wrapped } from './settings-help.ts';
import { showProgress } from './progress-display.ts';

type Options = {
	format: string;
	out?: string;
	set: string[];
	label: string[];
	from?: string;
	to?: string;
	zones?: string;
	truth?: string;
	truthFrom?: string;
	recordedAt?: string;
	timeZone?: string;
	video?: string;
};

export function defineExport(command: Command): Command {
	const formats = EXPORT_FORMATS.map(({ id }) => id).join(', ');
	return command
		.description('turn stored runs into a file')
		.argument('<runs...>', 'folders of runs; the first is the main one, formats that compare take more')
		.requiredOption('--format <format>', `one of ${formats}`)
		.option('--out <file>', 'the file to write (default: named after run and format)')
		.option('--set <name=value>', 'a setting of the format; may come more than once', collect, [])
		.option(
			'--label <caption>',
			'caption of each run, in their order (default: the names of the folders)',
			collect,
			[],
		)
		.option('--from <position>', 'first frame: an index (120) or a time (12.5s, 1:02.500)')
		.option('--to <position>', 'last frame, included: an index or a time')
		.option(
			'--zones <file>',
			'zones and lines as JSON: for events and reports, and drawn in clips and stills',
		)
		.option('--truth <file>', 'ground truth for the accuracy figures of a report')
		.option(...TRUTH_FROM)
		.option(...MOVED_VIDEO)
		.option(
			'--recorded-at <date and time>',
			'when recording began, such as "2026-11-29 09:00:00" (default: as the file says; none: leave it out)',
		)
		.option(
			'--time-zone <zone>',
			'zone of that time and of all that are told: Asia/Tokyo, +09:00 (default: of this machine, or as the file says)',
		)
		.addHelpText('after', () => `\n${formatsHelp()}`);
}

/** Every format with its settings. */
function formatsHelp(): string {
	const formats = EXPORT_FORMATS.map(
		({ id, description, settings }) =>
			`${wrapped(`format ${id}: ${description}`)}\n${settingsHelp(settings)}`,
	);
	return `${formats.join('\n')}
All data formats hold what the run shows: from the score on that the model needs
for each class. --set scores=all takes all that is stored, as precision curves
want it; --set minScore=0.3 takes what has that score.
`;
}

export async function exportCommand(folders: string[], options: Options, session: Session): Promise<number> {
	const { console, interruption } = session;
	const format = exportFormat(options.format);
	const place = `format ${format.id}`;
	const given = parseAssignments(format.settings, options.set, place);
	const settings = resolveSettings(format.settings, given, place);
	const remark = unusedRemark(format.settings, given, place);
	if (remark) console.note(remark);
	if (folders.length > 1 && !format.comparesRuns) console.note(`${place}: it takes one run, the first.`);
	const range = options.from === undefined && options.to === undefined ? null : parseRange(options);
	if (options.label.length > 0 && options.label.length !== folders.length) {
		throw new UserFacingError(
			'bad-argument',
			`--label must come once for each of the ${folders.length} runs, or not at all (got ${options.label.length}).`,
		);
	}
	const runs: StoredRun[] = [];
	for (const folder of folders) runs.push(await openRun(folder, movedVideo(options)));
	const names = folders.map((folder) => basename(resolve(folder)));
	const labels = options.label.length > 0 ? options.label : names;
	const truth = options.truth === undefined ? null : readGroundTruth(options.truth, truthOptions(options));
	const clock = clockOfOptions(options, runs[0]!, (remark) => console.note(remark));
	const out = resolve(options.out ?? shortName(names[0]!, `.${format.fileExtension}`));

	const display = showProgress(format.id);
	try {
		await format.write({
			runs,
			labels,
			out,
			range,
			settings,
			...(clock !== undefined && { clock }),
			signal: interruption.signal,
			onRemark: (remark) => display.note(`format ${format.id}: ${remark}`),
			onProgress: (done, total) => display.update(done, total, 'frames'),
			zones: options.zones === undefined ? null : await readZones(options.zones),
			...(truth ? { truth: runs.map((run) => evaluateRun(run, truth, runs)) } : {}),
		});
	} finally {
		display.stop();
	}
	for (const [i, { shortfall }] of runs.entries()) {
		if (shortfall) console.note(`${labels[i]!}: ${shortfallSentence(shortfall, 'en')}`);
	}
	console.result({ format: format.id, outPath: out, runs: runs.map(({ folder }) => folder) }, `${out}\n`);
	return EXIT.ok;
}

import type { Command } from 'commander';
import { resolve } from 'node:path';
import { resolveSettings } from '../domain/settings-table.ts';
import { CLIP_SETTINGS, writeClipFolder } from '../export/clips.ts';
import { openRun } from '../results/stored-run.ts';
import { collect } from './analyze.ts';
import { parseAssignments, parseNumber, parseRange } from './arguments.ts';
import { readZones } from './count.ts';
import { addEventOptions, eventSearch, type EventOptions } from './event-options.ts';
import { noteUnfinished } from './describe-run.ts';
import { EXIT } from './exit-codes.ts';
import { MOVED_VIDEO, movedVideo, type Session } from './options.ts';
import { showProgress } from './progress-display.ts';
import { settingsHelp } from './settings-help.ts';

type Options = EventOptions & {
	video?: string;
	zones?: string;
	lead?: string;
	tail?: string;
	out: string;
	set: string[];
};

export function defineClips(command: Command): Command {
	const defined = command
		.description('cut an annotated clip of every event in a stored run')
		.argument('<run>', 'folder of a run')
		.requiredOption('--out <folder>', 'where the clips go, with a table of them')
		.option('--zones <file>', 'zones and lines as JSON; without them, who appears and disappears')
		.option(...MOVED_VIDEO)
		.option('--lead <seconds>', 'how long before its event a clip begins (default: 2)')
		.option('--tail <seconds>', 'how long after its event a clip ends (default: 2)')
		.option('--set <name=value>', 'a setting of the clips; may come more than once', collect, []);
	return addEventOptions(defined).addHelpText('after', () => `\n${settingsHelp(CLIP_SETTINGS)}`);
}

export async function clipsCommand(folder: string, options: Options, session: Session): Promise<number> {
	const { console, interruption } = session;
	const zones = options.zones === undefined ? null : await readZones(options.zones);
	const run = await openRun(folder, movedVideo(options));
	noteUnfinished(run, console);
	const search = eventSearch(options, run, zones);
	const settings = parseAssignments(CLIP_SETTINGS, options.set, 'format clips');
	for (const name of ['lead', 'tail'] as const) {
		const given = options[name];
		if (given !== undefined) settings[name] = parseNumber(given, `--${name}`, 0, CLIP_SETTINGS[name].max);
	}
	resolveSettings(CLIP_SETTINGS, settings, 'format clips');
	const out = resolve(options.out);
	const range = options.from === undefined && options.to === undefined ? null : parseRange(options);
	const display = showProgress('clips');
	let names: string[];
	try {
		names = await writeClipFolder(out, {
			runs: [run],
			labels: [run.header.mode],
			range,
			settings,
			zones,
			search,
			signal: interruption.signal,
			onProgress: (done, total) => display.update(done, total, 'frames'),
		});
	} finally {
		display.stop();
	}
	const clips = names.slice(0, -1);
	console.result(
		{ runPath: run.folder, outPath: out, clips, table: names.at(-1) },
		`${[...clips, `${clips.length} clips: ${out}`].join('\n')}\n`,
	);
	return EXIT.ok;
}

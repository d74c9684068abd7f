import type { Command } from 'commander';
import { UserFacingError } from '../domain/errors.ts';
import { identityLabel, identityOf } from '../domain/track-labels.ts';
import { writeFileWhole } from '../process/json-file.ts';
import { readTextFile } from '../process/text-file.ts';
import { openRun } from '../results/stored-run.ts';
import { checkEdits } from '../tracking/check-edits.ts';
import { LONGEST_NAME, parseTrackEdits, trackEditsToText } from '../tracking/edits-file.ts';
import { objectsFound } from '../tracking/kept-tracks.ts';
import type { RunTracks } from '../tracking/run-tracks.ts';
import { editsPath, readTrackEdits } from '../tracking/stored-edits.ts';
import type { TrackEdit } from '../tracking/track-edits.ts';
import { noteUnfinished } from './describe-run.ts';
import { EXIT } from './exit-codes.ts';
import type { Session } from './options.ts';
import { formatTable } from './text-table.ts';

type Options = {
	edits?: string;
	undo?: boolean;
	/** All edits in the order in which they were given, whichever option they came by. */
	split?: TrackEdit[];
	join?: TrackEdit[];
	rename?: TrackEdit[];
	hide?: TrackEdit[];
};

export function defineTracks(command: Command): Command {
	const given: TrackEdit[] = [];
	const collected = (parse: (text: string) => TrackEdit) => (text: string) => {
		given.push(parse(text));
		return given;
	};
	return command
		.description(
			'list the objects that were followed through a run, and change them by hand; the run stays as it is',
		)
		.argument('<run>', 'folder of a run')
		.option('--edits <file>', 'replace all edits by those of a file')
		.option('--undo', 'take back the last edit, before others are added')
		.option('--split <track@frame>', 'from this frame on it is another one', collected(parseSplit))
		.option(
			'--join <tracks>',
			'these are one (3,17): they have the number of the first',
			collected(parseJoin),
		)
		.option('--rename <track=name>', 'give it a name; an empty one takes it away', collected(parseRename))
		.option('--hide <track>', 'it is nobody: its boxes stay, without a number', collected(parseHide))
		.addHelpText(
			'after',
			'\nEdits are kept beside the run, in the order given, and hold for all exports.\n' +
				'What is split off track 12 is track 12b, then 12c.',
		);
}

export async function tracksCommand(folder: string, options: Options, session: Session): Promise<number> {
	const run = await openRun(folder);
	noteUnfinished(run, session.console);
	const identities = await objectsFound(run);
	const before = options.edits === undefined ? await readTrackEdits(folder) : await editsOf(options.edits);
	if (options.undo && before.length === 0) {
		throw new UserFacingError('bad-argument', '--undo: an edit to take back was expected (there is none).');
	}
	const added = options.split ?? options.join ?? options.rename ?? options.hide ?? [];
	const text = trackEditsToText([...before.slice(0, options.undo ? -1 : undefined), ...added]);
	const edits = parseTrackEdits(text, 'the edits together');
	checkEdits(identities.tracksFound(), run.frames.frameIndex, edits);
	if (options.edits !== undefined || options.undo || added.length > 0) {
		await writeFileWhole(editsPath(folder), text);
	}
	identities.edit(edits);
	const rows = rowsOf(identities.tracks(), run.header.model.classes);
	const count = edits.length === 1 ? '1 edit' : `${edits.length} edits`;
	session.console.result(
		{ runPath: run.folder, editsPath: editsPath(folder), edits, tracks: rows },
		`${formatRows(rows)}${rows.length} tracks, ${count} by hand${edits.length > 0 ? ` (${editsPath(folder)})` : ''}\n`,
	);
	return EXIT.ok;
}

type Row = {
	identity: number;
	name: string;
	className: string;
	firstFrame: number;
	lastFrame: number;
	sightings: number;
};

function rowsOf(tracks: RunTracks, classes: readonly string[]): Row[] {
	const names = new Map(tracks.names);
	return Array.from(tracks.identities, (identity, i) => ({
		identity,
		name: names.get(identity) ?? '',
		className: classes[tracks.classIndices[i]!] ?? '',
		firstFrame: tracks.firstFrames[i]!,
		lastFrame: tracks.lastFrames[i]!,
		sightings: tracks.sightings[i]!,
	}));
}

function formatRows(rows: readonly Row[]): string {
	return formatTable<Row>(
		[
			{ title: 'track', align: 'right', cell: ({ identity }) => identityLabel(identity) },
			{ title: 'name', align: 'left', cell: ({ name }) => name },
			{ title: 'class', align: 'left', cell: ({ className }) => className },
			{ title: 'from frame', align: 'right', cell: ({ firstFrame }) => String(firstFrame) },
			{ title: 'to frame', align: 'right', cell: ({ lastFrame }) => String(lastFrame) },
			{ title: 'seen', align: 'right', cell: ({ sightings }) => String(sightings) },
		],
		rows,
	);
}

async function editsOf(path: string): Promise<TrackEdit[]> {
	return parseTrackEdits(await readTextFile(path, 'edits-unreadable'), path);
}

/** A number, or 12b as tables show it. */
function parseTrack(text: string, option: string): number {
	const track = identityOf(text);
	if (track !== null) return track;
	throw new UserFacingError(
		'bad-argument',
		`${option}: a track such as 12 or 12b was expected (got "${text}").`,
	);
}

function parseSplit(text: string): TrackEdit {
	const match = /^(.+)@(\d{1,9})$/.exec(text);
	if (!match) {
		throw new UserFacingError(
			'bad-argument',
			`--split: a track and a frame such as 12@340 were expected (got "${text}").`,
		);
	}
	return { kind: 'split', track: parseTrack(match[1]!, '--split'), frame: Number(match[2]) };
}

function parseJoin(text: string): TrackEdit {
	const tracks = text.split(',').map((track) => parseTrack(track, '--join'));
	if (tracks.length > 1) return { kind: 'join', tracks };
	throw new UserFacingError(
		'bad-argument',
		`--join: two tracks or more such as 3,17 were expected (got "${text}").`,
	);
}

function parseRename(text: string): TrackEdit {
	const at = text.indexOf('=');
	if (at < 0) {
		throw new UserFacingError(
			'bad-argument',
			`--rename: a track and a name such as 3=Courier were expected (got "${text}").`,
		);
	}
	const name = text.slice(at + 1).trim();
	if (name.length > LONGEST_NAME || /\p{Cc}/u.test(name)) {
		throw new UserFacingError(
			'bad-argument',
			`--rename: a name of one line and at most ${LONGEST_NAME} characters was expected (got "${name}").`,
		);
	}
	return { kind: 'rename', track: parseTrack(text.slice(0, at), '--rename'), name };
}

function parseHide(text: string): TrackEdit {
	return { kind: 'hide', track: parseTrack(text, '--hide') };
}

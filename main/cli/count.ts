import type { Command } from 'commander';
import { extname, resolve } from 'node:path';
import { countPerClass } from '../counting/class-counts.ts';
import { COUNTING } from '../counting/count-tracks.ts';
import { filterEvents } from '../counting/filter-events.ts';
import { parseZones, scaledRemark } from '../counting/zone-file.ts';
import { UserFacingError } from '../domain/errors.ts';
import { isAfter, isBefore } from '../domain/video.ts';
import type { ZoneSet } from '../domain/zones.ts';
import { countRun, eventsAsCsv, eventsAsJson, type CountedRun } from '../export/counted-run.ts';
import { writePartialFirst, writeText } from '../export/partial-file.ts';
import { readTextFile } from '../process/text-file.ts';
import { openRun } from '../results/stored-run.ts';
import { parseRange } from './arguments.ts';
import { addEventOptions, eventSearch, type EventOptions } from './event-options.ts';
import { noteUnfinished } from './describe-run.ts';
import { EXIT } from './exit-codes.ts';
import type { Session } from './options.ts';
import { formatTable, type TextColumn } from './text-table.ts';

type Options = EventOptions & { zones: string; events?: string };

export function defineCount(command: Command): Command {
	const defined = command
		.description('count who crosses lines and visits zones in a stored run')
		.argument('<run>', 'folder of a run')
		.requiredOption('--zones <file>', 'zones and lines as JSON; README.md shows one')
		.option('--events <file>', 'write every event with its frame, as .csv or .json');
	return addEventOptions(defined).addHelpText(
		'after',
		'\nCounts are of the whole run and of all events; --class and --zone choose among\nthem. The other options choose events.',
	);
}

export async function countCommand(folder: string, options: Options, session: Session): Promise<number> {
	const { console, interruption } = session;
	const write = options.events === undefined ? null : writerFor(options.events);
	const drawn = await readZones(options.zones);
	const run = await openRun(folder);
	noteUnfinished(run, console);
	const { filter, ...limits } = eventSearch(options, run, drawn);
	const range = parseRange(options);

	const counted = await countRun(
		run,
		drawn,
		options.zones,
		{ ...COUNTING, ...limits },
		{ signal: interruption.signal },
	);
	if (counted.scale !== 1) console.note(scaledRemark(drawn.pictureSize, counted.zones.pictureSize, 'en'));
	const { events } = counted.counting;
	const rows = filterEvents(events, filter).filter((row) => {
		const [frame, seconds] = [events.frameIndices[row]!, events.timesSeconds[row]!];
		return !isBefore(range.from, frame, seconds) && !(range.to && isAfter(range.to, frame, seconds));
	});
	if (options.events !== undefined && write) {
		const sources = [run.header.video.path, options.zones];
		const text = write(counted, rows);
		await writePartialFirst(options.events, sources, (partial) =>
			writeText(partial, text, interruption.signal),
		);
	}
	const { classes, places } = filter;
	const table = countsOf(counted, classes ?? []).filter((_, place) => !places || places.includes(place));
	const eventsPath = options.events === undefined ? null : resolve(options.events);
	const result = {
		runPath: run.folder,
		zones: resolve(options.zones),
		places: table,
		events: rows.length,
		eventsPath,
	};
	console.result(
		result,
		`${formatCounts(table)}${eventsPath === null ? '' : `${rows.length} events: ${eventsPath}\n`}`,
	);
	return EXIT.ok;
}

/** Throws `file-not-found`, `zones-unreadable`. */
export async function readZones(path: string): Promise<ZoneSet> {
	return parseZones(await readTextFile(path, 'zones-unreadable'), path);
}

function writerFor(path: string): (counted: CountedRun, rows: Uint32Array) => Generator<string> {
	const extension = extname(path).toLowerCase();
	if (extension === '.csv') return eventsAsCsv;
	if (extension === '.json') return eventsAsJson;
	throw new UserFacingError(
		'bad-argument',
		`--events: a file that ends with .csv or .json was expected (got "${path}").`,
	);
}

type Counts = ReturnType<typeof countPerClass>;
type Named<T> = Omit<T, 'classIndex'> & { class: string };

/** The counts of one zone or line, for `--json`. */
type Place =
	| {
			kind: 'zone';
			name: string;
			mostAtOnce: number;
			mostFrame: number;
			classes: Named<Counts['zones'][0][0]>[];
	  }
	| { kind: 'line'; name: string; classes: Named<Counts['lines'][0][0]>[] };

/** Of all zones, then of all lines; of all classes where none is wanted. */
function countsOf({ run, zones: drawn, paths, counting }: CountedRun, classes: readonly number[]): Place[] {
	const wanted = classes.length > 0 ? new Set(classes) : null;
	const counts = countPerClass(counting, drawn.zones.length, drawn.lines.length, paths.classIndices, wanted);
	const named = <T extends { classIndex: number }>({ classIndex, ...count }: T) => ({
		class: run.header.model.classes[classIndex] ?? String(classIndex),
		...count,
	});
	return [
		...drawn.zones.map(({ name }, i): Place => {
			const { most, mostFrame } = counting.occupancy[i]!;
			return { kind: 'zone', name, mostAtOnce: most, mostFrame, classes: counts.zones[i]!.map(named) };
		}),
		...drawn.lines.map(({ name }, i): Place => ({
			kind: 'line',
			name,
			classes: counts.lines[i]!.map(named),
		})),
	];
}

type Row = { name: string } & Partial<Named<Counts['zones'][0][0]> & Named<Counts['lines'][0][0]>>;

const number = (title: string, cell: (row: Row) => number | undefined, decimals = 0): TextColumn<Row> => ({
	title,
	align: 'right',
	cell: (row) => cell(row)?.toFixed(decimals) ?? '',
});

const COLUMNS: readonly TextColumn<Row>[] = [
	{ title: 'place', align: 'left', cell: ({ name }) => name },
	{ title: 'class', align: 'left', cell: (row) => row.class ?? '-' },
	number('forwards', ({ forwards }) => forwards),
	number('backwards', ({ backwards }) => backwards),
	number('entered', ({ entered }) => entered),
	number('left', ({ left }) => left),
	number('appeared', ({ appeared }) => appeared),
	number('disappeared', ({ disappeared }) => disappeared),
	number('mean stay s', (row) => row.visits && row.dwellSeconds! / row.visits, 1),
	number('longest s', ({ longestSeconds }) => longestSeconds, 1),
];

function formatCounts(places: readonly Place[]): string {
	const rows = places.flatMap(({ name, classes }): Row[] =>
		classes.length > 0 ? classes.map((count) => ({ name, ...count })) : [{ name }],
	);
	const most = places.flatMap((place) =>
		place.kind === 'zone' && place.mostAtOnce > 0
			? [`${place.name}: ${place.mostAtOnce} at once at most, first in frame ${place.mostFrame}\n`]
			: [],
	);
	return `${formatTable(COLUMNS, rows)}${most.join('')}`;
}

import { type Command, Option } from 'commander';
import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { countPerClass } from '../counting/class-counts.ts';
import { COUNTING } from '../counting/count-tracks.ts';
import { EVENT_KINDS, type EventKind } from '../counting/events.ts';
import { filterEvents } from '../counting/filter-events.ts';
import { parseZones, scaledRemark } from '../counting/zone-file.ts';
import { systemError, UserFacingError } from '../domain/errors.ts';
import { isAfter, isBefore } from '../domain/video.ts';
import type { ZoneSet } from '../domain/zones.ts';
import { countRun, eventsAsCsv, eventsAsJson, type CountedRun } from '../export/counted-run.ts';
import { writePartialFirst, writeText } from '../export/partial-file.ts';
import { openRun } from '../results/stored-run.ts';
import { collect } from './analyze.ts';
import { parseInteger, parseNumber, parseRange } from './arguments.ts';
import { EXIT } from './exit-codes.ts';
import type { Session } from './options.ts';
import { formatTable, type TextColumn } from './text-table.ts';

type Options = {
	zones: string;
	events?: string;
	class: string[];
	zone: string[];
	kind: EventKind[];
	minScore?: string;
	from?: string;
	to?: string;
	dwell?: string;
	atOnce?: string;
};

export function defineCount(command: Command): Command {
	return command
		.description('count who crosses lines and visits zones in a stored run')
		.argument('<run>', 'folder of a run')
		.requiredOption('--zones <file>', 'zones and lines as JSON; README.md shows one')
		.option('--events <file>', 'write every event with its frame, as .csv or .json')
		.option('--class <name>', 'only objects of this class; may come more than once', collect, [])
		.option('--zone <name>', 'only this zone or line; may come more than once', collect, [])
		.addOption(
			new Option('--kind <kind>', `only events of this kind; may come more than once`)
				.choices(EVENT_KINDS)
				.argParser((kind: string, before: EventKind[]) => [...before, knownKind(kind)])
				.default([]),
		)
		.option('--min-score <score>', 'only events whose box has at least this score, 0 to 1')
		.option('--from <position>', 'only events from here on: an index (120) or a time (12.5s, 1:02.500)')
		.option('--to <position>', 'only events up to here, included')
		.option('--dwell <seconds>', 'also name who stays in a zone for longer')
		.option('--at-once <number>', 'also name who makes more than this many in a zone at once')
		.addHelpText(
			'after',
			'\nCounts are of the whole run and of all events; --class and --zone choose among them. The other options choose events.',
		);
}

export async function countCommand(folder: string, options: Options, session: Session): Promise<number> {
	const { console, interruption } = session;
	const write = options.events === undefined ? null : writerFor(options.events);
	const drawn = await readZones(options.zones);
	const run = await openRun(folder);
	const limits = {
		...COUNTING,
		dwellSeconds: options.dwell === undefined ? null : parseNumber(options.dwell, '--dwell', 0, 1e6),
		mostAtOnce: options.atOnce === undefined ? null : parseInteger(options.atOnce, '--at-once', 0, 1e5),
	};
	const classes = options.class.map((name) => indexOf(name, run.header.model.classes, '--class'));
	const shapes = [...drawn.zones, ...drawn.lines];
	const names = shapes.map(({ name }) => name);
	const places = options.zone.map((name) => indexOf(name, names, '--zone'));
	const range = parseRange(options);
	const leastScore =
		options.minScore === undefined ? null : parseNumber(options.minScore, '--min-score', 0, 1);

	const counted = await countRun(run, drawn, options.zones, limits, { signal: interruption.signal });
	if (counted.scale !== 1) console.note(scaledRemark(drawn.pictureSize, counted.zones.pictureSize, 'en'));
	const { events } = counted.counting;
	const rows = filterEvents(events, {
		kinds: options.kind.length > 0 ? options.kind : null,
		classes: classes.length > 0 ? classes : null,
		places: places.length > 0 ? places : null,
		leastScore,
	}).filter((row) => {
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
	const table = countsOf(counted, classes).filter(
		(_, place) => places.length === 0 || places.includes(place),
	);
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
	try {
		return parseZones(await readFile(path, 'utf8'), path);
	} catch (error) {
		throw systemError(error) ?? error;
	}
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

function knownKind(kind: string): EventKind {
	const known = EVENT_KINDS.find((one) => one === kind);
	if (known) return known;
	throw new UserFacingError(
		'bad-argument',
		`--kind must be one of ${EVENT_KINDS.join(', ')} (got "${kind}").`,
	);
}

function indexOf(name: string, names: readonly string[], flag: string): number {
	const index = names.indexOf(name);
	if (index >= 0) return index;
	const known = names.length > 0 ? `one of ${names.join(', ')} was expected` : 'there is none';
	throw new UserFacingError('bad-argument', `${flag}: ${known} (got "${name}").`);
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

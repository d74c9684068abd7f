import { type Command, Option } from 'commander';
import { EVENT_KINDS, type EventKind } from '../counting/events.ts';
import type { EventSearch } from '../counting/filter-events.ts';
import { UserFacingError } from '../domain/errors.ts';
import { placesOf, type ZoneSet } from '../domain/zones.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { collect } from './analyze.ts';
import { parseInteger, parseNumber } from './arguments.ts';

/** Which events are wanted, as commander hands it over. */
export type EventOptions = {
	class: string[];
	zone: string[];
	kind: EventKind[];
	minScore?: string;
	from?: string;
	to?: string;
	dwell?: string;
	atOnce?: string;
};

export function addEventOptions(command: Command): Command {
	return command
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
		.option('--at-once <number>', 'also name who makes more than this many in a zone at once');
}

/** All but `--from` and `--to`, which are a range. `zones` null: none were drawn. Throws `bad-argument`. */
export function eventSearch(options: EventOptions, run: StoredRun, zones: ZoneSet | null): EventSearch {
	const classes = options.class.map((name) => indexOf(name, run.header.model.classes, '--class'));
	const names = zones ? placesOf(zones).map(({ name }) => name) : [];
	const places = options.zone.map((name) => indexOf(name, names, '--zone'));
	const { minScore, dwell, atOnce, kind } = options;
	return {
		dwellSeconds: dwell === undefined ? null : parseNumber(dwell, '--dwell', 0, 1e6),
		mostAtOnce: atOnce === undefined ? null : parseInteger(atOnce, '--at-once', 0, 1e5),
		filter: {
			kinds: kind.length > 0 ? kind : null,
			classes: classes.length > 0 ? classes : null,
			places: places.length > 0 ? places : null,
			leastScore: minScore === undefined ? null : parseNumber(minScore, '--min-score', 0, 1),
		},
	};
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

import { UserFacingError } from '../domain/errors.ts';
import { type Precision, PRECISIONS } from '../domain/execution.ts';
import { parseSetting, type SettingsTable, type SettingValues } from '../domain/settings-table.ts';
import type { FrameRange, Position } from '../domain/video.ts';
import type { ReductionMode } from '../reduction/mode.ts';
import { findMode } from '../reduction/index.ts';

/**
 * A position in a video: `120` is a frame index, `12.5s` and `1:02.500` (`h:mm:ss` too) are times in the file's own
 * clock, which may be below zero (`-0.5s`). `flag` is named in errors. Throws bad-argument.
 */
export function parsePosition(text: string, flag: string): Position {
	if (/^\d+$/.test(text)) return { frame: Number(text) };
	const seconds = /^(-?\d+(?:\.\d+)?)s$/.exec(text);
	if (seconds) return { seconds: Number(seconds[1]) };
	const clock = /^(-?)(?:(\d+):)?(\d+):([0-5]?\d(?:\.\d+)?)$/.exec(text);
	if (clock) {
		const [, sign, hours = 0, minutes, rest] = clock;
		const seconds = Number(hours) * 3600 + Number(minutes) * 60 + Number(rest);
		return { seconds: sign === '-' ? -seconds : seconds };
	}
	throw new UserFacingError(
		'bad-argument',
		`${flag} must be a frame index such as 120 or a time such as 12.5s or 1:02.500 (got "${text}").`,
	);
}

/** Throws bad-range if the end is before the beginning. */
export function parseRange(options: { from?: string; to?: string; every?: string }): FrameRange {
	const range: FrameRange = {
		from: options.from === undefined ? { frame: 0 } : parsePosition(options.from, '--from'),
		to: options.to === undefined ? null : parsePosition(options.to, '--to'),
		every: options.every === undefined ? 1 : parseInteger(options.every, '--every', 1, 1_000_000),
	};
	const { from, to } = range;
	const backwards =
		to !== null &&
		(('frame' in from && 'frame' in to && to.frame < from.frame) ||
			('seconds' in from && 'seconds' in to && to.seconds < from.seconds));
	if (backwards) {
		throw new UserFacingError(
			'bad-range',
			`--to must not lie before --from (got ${options.to} and ${options.from}).`,
		);
	}
	return range;
}

/** Throws bad-argument. */
export function parseInteger(text: string, flag: string, min: number, max: number): number {
	const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
	if (value >= min && value <= max) return value;
	throw new UserFacingError(
		'bad-argument',
		`${flag} must be a whole number from ${min} to ${max} (got "${text}").`,
	);
}

/** Throws bad-argument. */
export function parseNumber(text: string, flag: string, min: number, max: number): number {
	const value = text.trim() === '' ? Number.NaN : Number(text);
	if (value >= min && value <= max) return value;
	throw new UserFacingError(
		'bad-argument',
		`${flag} must be a number from ${min} to ${max} (got "${text}").`,
	);
}

/** Parses `name=value` words according to the table. Throws bad-argument, unknown-setting, setting-out-of-range. */
export function parseAssignments(
	table: SettingsTable,
	words: readonly string[],
	place: string,
): SettingValues {
	const settings: SettingValues = {};
	for (const word of words) {
		const [, name, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
		if (name === undefined || value === undefined) {
			throw new UserFacingError('bad-argument', `${place}: a setting is written name=value (got "${word}").`);
		}
		settings[name] = parseSetting(table, name, value, place);
	}
	return settings;
}

/** One run of a comparison; `model` is an id or a path. Null for the common model and precision. */
export type RunSpec = {
	mode: ReductionMode;
	settings: SettingValues;
	model: string | null;
	precision: Precision | null;
	text: string;
};

/**
 * `dense`, `token-cache:fraction=0.1,refresh=50`, in another precision `dense:precision=int8` or, with another model,
 * `dense@lookout-sh`. Throws unknown-mode,
 * bad-argument and what `parseAssignments` throws.
 */
export function parseRunSpec(text: string): RunSpec {
	const at = text.indexOf('@'); // occurs in no mode's name and in no setting
	const [run, model] = at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
	if (model === '') {
		throw new UserFacingError('bad-argument', `--run: a model's id or path must follow @ (got "${text}").`);
	}
	const colon = run.indexOf(':');
	const mode = findMode(colon < 0 ? run : run.slice(0, colon));
	const words =
		colon < 0
			? []
			: run
					.slice(colon + 1)
					.split(',')
					.map((word) => word.trim());
	const place = `mode ${mode.id}`;
	const precision = words.findLast((word) => word.startsWith(PRECISION));
	const settings = words.filter((word) => !word.startsWith(PRECISION));
	return {
		mode,
		settings: settingsOf(mode, settings, place),
		model,
		precision: precision === undefined ? null : parsePrecision(precision.slice(PRECISION.length), place),
		text,
	};
}

/** As `parseAssignments`; of names that it does not know, it says that precision stands there too. */
function settingsOf({ settings }: ReductionMode, words: readonly string[], place: string): SettingValues {
	try {
		return parseAssignments(settings, words, place);
	} catch (error) {
		if (!(error instanceof UserFacingError) || error.code !== 'unknown-setting') throw error;
		const remedy = `Every run also takes ${PRECISION}${PRECISIONS.join(' or ')}; a model follows last, behind @.`;
		throw new UserFacingError(error.code, error.message, { remedy, cause: error });
	}
}

/** What stands among a run's settings, and is one of every mode. */
const PRECISION = 'precision=';

function parsePrecision(text: string, place: string): Precision {
	const precision = PRECISIONS.find((one) => one === text);
	if (precision) return precision;
	throw new UserFacingError(
		'bad-argument',
		`${place}: precision must be ${PRECISIONS.join(' or ')} (got "${text}").`,
	);
}

/** A folder name for each run: its specification, made safe for every file system, all different. */
export function labelRuns(specs: readonly RunSpec[]): string[] {
	const taken = new Map<string, number>();
	return specs.map(({ text }) => {
		const label = text.replace(/[^A-Za-z0-9.]+/g, '-').replace(/^[-.]+|[-.]+$/g, '');
		const count = (taken.get(label) ?? 0) + 1;
		taken.set(label, count);
		return count === 1 ? label : `${label}-${count}`;
	});
}

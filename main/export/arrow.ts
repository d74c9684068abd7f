import {
	Dictionary,
	Field,
	Float32,
	Float64,
	Int32,
	makeData,
	RecordBatch,
	Schema,
	Struct,
	Table,
	TimestampMillisecond,
	tableToIPC,
	Uint16,
	Uint8,
	Utf8,
	vectorFromArray,
	type Data,
	type DataType,
} from 'apache-arrow';
import { writeFile } from 'node:fs/promises';
import type { LeastScores } from '../domain/least-scores.ts';
import { timesOfDay, type RecordingClock } from '../domain/recording-clock.ts';
import { resolveSettings, type SettingsTable } from '../domain/settings-table.ts';
import type { TrackNames } from '../domain/track-labels.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { DRIFT_COLUMNS, driftValues, warningOf, type DriftValues } from './drift-columns.ts';
import type { ExportFormat } from './format.ts';
import { requireRows } from './frames-in-range.ts';
import { followRun, IDENTITIES, type FollowedRun } from './identities.ts';
import { writePartialFirst } from './partial-file.ts';
import { leastScores, SCORE_SETTINGS } from './score-setting.ts';
import { clockOf } from './times-of-day.ts';

const settings = { identities: IDENTITIES, ...SCORE_SETTINGS } as const satisfies SettingsTable;
/** Columns that may hold nothing in a row. */
const NULLABLE = new Set<string>(['identity', 'name', ...DRIFT_COLUMNS]);
/** Frames written before other work gets a turn. */
const FRAMES_PER_TURN = 500;

/** A file in the Arrow IPC format (arrow.apache.org/docs/format/Columnar.html), one row per detection. */
export const arrow: ExportFormat = {
	id: 'arrow',
	title: 'Arrow',
	fileExtension: 'arrow',
	description: 'An Arrow IPC file, a row per detection, for pandas, Polars, DuckDB and the like.',
	settings,
	async write({ runs, out, range, settings: given, clock, signal, onProgress }) {
		const run = runs[0]!;
		const resolved = resolveSettings(settings, given, 'format arrow');
		const rows = requireRows(run, range);
		const followed = await followRun(run, resolved.identities, signal);
		const columns = new DetectionColumns(run, leastScores(run, resolved), followed, clockOf(run, clock));
		await writePartialFirst(out, [run.header.video.path], async (partial) => {
			for (const [done, row] of rows.entries()) {
				columns.add(row);
				onProgress?.(done + 1, rows.length);
				if (done % FRAMES_PER_TURN === 0) await new Promise(setImmediate);
				signal?.throwIfAborted();
			}
			await writeFile(partial, tableToIPC(columns.table(rows), 'file'), signal ? { signal } : {});
		});
	},
};

/** Detections as columns that grow frame by frame. */
class DetectionColumns {
	readonly #run: StoredRun;
	readonly #least: LeastScores;
	readonly #followed: FollowedRun;
	readonly #clock: RecordingClock | null;
	readonly #frame: number[] = [];
	readonly #time: number[] = [];
	readonly #class: number[] = [];
	readonly #score: number[] = [];
	readonly #boxes: number[][] = [[], [], [], []];
	readonly #identity: number[] = [];
	readonly #stale: number[] = [];
	readonly #estimates: (DriftValues | null)[] = [];

	constructor(run: StoredRun, least: LeastScores, followed: FollowedRun, clock: RecordingClock | null) {
		this.#run = run;
		this.#least = least;
		this.#followed = followed;
		this.#clock = clock;
	}

	add(row: number): void {
		const { frameIndex, timeSeconds } = this.#run.frames;
		const detections = this.#run.detections(row).scoredAtLeast(this.#least);
		const identities = this.#followed.identitiesOf(row);
		const drift = this.#run.drift(row);
		const estimate = drift && driftValues(drift);
		for (let i = 0; i < detections.count; i++) {
			this.#frame.push(frameIndex[row]!);
			this.#time.push(timeSeconds[row]!);
			this.#class.push(detections.classIndices[i]!);
			this.#score.push(detections.scores[i]!);
			detections.box(i).forEach((pixels, side) => this.#boxes[side]!.push(pixels));
			this.#identity.push(identities[i]!);
			this.#stale.push(detections.isStale(i) ? 1 : 0);
			this.#estimates.push(estimate);
		}
	}

	/** With `rows`, those that were exported, the table also says where the budget was too small. */
	table(rows: Int32Array): Table {
		const length = this.#frame.length;
		const warning = warningOf(this.#run, rows);
		const { classes, name } = this.#run.header.model;
		// By default it is numbered by the process, and the file would be another one each time.
		const classType = new Dictionary(new Utf8(), new Uint16(), 0);
		const dictionary = vectorFromArray([...classes], new Utf8());
		const column = (title: string, data: Data, meaning: string) => ({ title, data, meaning });
		const numbers = <T extends DataType>(type: T, values: ArrayLike<number>) =>
			makeData({ type, length, data: values } as never) as Data;
		const columns = [
			column(
				'frame',
				numbers(new Int32(), Int32Array.from(this.#frame)),
				'decoded frame of the file, from 0',
			),
			column(
				'time_seconds',
				numbers(new Float64(), Float64Array.from(this.#time)),
				'in the clock of the file',
			),
			column(
				'class',
				makeData({ type: classType, length, data: Uint16Array.from(this.#class), dictionary }),
				'of the model',
			),
			column('score', numbers(new Float32(), Float32Array.from(this.#score)), '0 to 1'),
			...['left', 'top', 'right', 'bottom'].map((side, i) =>
				column(
					side,
					numbers(new Float32(), Float32Array.from(this.#boxes[i]!)),
					'pixels of the displayed video',
				),
			),
			column(
				'identity',
				orNull(
					new Int32(),
					this.#identity.map((identity) => identity || null),
				),
				'who is followed; null = nobody in particular',
			),
			...(this.#followed.names.size > 0 ? [this.#names(this.#followed.names)] : []),
			...(this.#clock ? [this.#recorded(this.#clock)] : []),
			...(this.#run.frames.drift ? this.#estimateColumns() : []),
		];
		const fields = columns.map(
			({ title, data, meaning }) =>
				new Field(title, data.type, NULLABLE.has(title), new Map([['meaning', meaning]])),
		);
		const schema = new Schema(
			fields,
			new Map([
				['model', name],
				['mode', this.#run.header.mode],
				['precision', this.#run.header.precision],
				['ran on', this.#run.executionWords],
				...(warning ? [['warning', warning.text] as [string, string]] : []),
			]),
		);
		const children = columns.map(({ data }) => data);
		return new Table(schema, [
			new RecordBatch(schema, makeData({ type: new Struct(fields), length, nullCount: 0, children })),
		]);
	}

	/** What a person called the object of each detection. */
	#names(names: TrackNames) {
		const texts = this.#identity.map((identity) => names.get(identity) ?? null);
		return {
			title: 'name',
			data: vectorFromArray(texts, new Utf8()).data[0]!,
			meaning: 'of the object; null = none',
		};
	}

	/** When the frame of each detection was recorded. */
	#recorded(clock: RecordingClock) {
		const timeOfDay = timesOfDay(clock, this.#run.header.video);
		const values = BigInt64Array.from(this.#time, (time) => BigInt(Date.parse(timeOfDay(time))));
		const type = new TimestampMillisecond(clock.timeZone);
		const data = makeData({ type, length: values.length, data: values } as never) as Data;
		return { title: 'recorded_at', data, meaning: 'when the frame was recorded' };
	}

	/** What is estimated of the frame, in the row of each of its detections. */
	#estimateColumns() {
		const types = (name: keyof DriftValues) => (/tokens|frames/.test(name) ? new Int32() : new Float32());
		return [
			{
				title: 'stale',
				data: orNull(new Uint8(), this.#stale),
				meaning: '1 = the box rests on tokens that have waited for too long',
			},
			...DRIFT_COLUMNS.map((name) => ({
				title: name,
				data: orNull(
					types(name),
					this.#estimates.map((values) => values?.[name] ?? null),
				),
				meaning: 'of the frame',
			})),
		];
	}
}

/** A column of numbers; the validity bit, least significant first, is cleared where there is none. */
function orNull(type: Int32 | Float32 | Uint8, values: readonly (number | null)[]): Data {
	const nullBitmap = new Uint8Array(Math.ceil(values.length / 8));
	let nullCount = 0;
	values.forEach((value, i) => {
		if (value === null) nullCount++;
		else nullBitmap[i >> 3]! |= 1 << (i & 7);
	});
	const data = type.ArrayType.from(values.map((value) => value ?? 0));
	return makeData({ type, length: values.length, data, nullBitmap, nullCount } as never) as Data;
}

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
	tableToIPC,
	Uint16,
	Utf8,
	vectorFromArray,
	type Data,
	type DataType,
} from 'apache-arrow';
import { writeFile } from 'node:fs/promises';
import type { LeastScores } from '../domain/least-scores.ts';
import { resolveSettings, type SettingsTable } from '../domain/settings-table.ts';
import type { StoredRun } from '../results/stored-run.ts';
import type { ExportFormat } from './format.ts';
import { requireRows } from './frames-in-range.ts';
import { followRun, IDENTITIES, type IdentitiesOfRow } from './identities.ts';
import { writePartialFirst } from './partial-file.ts';
import { leastScores, SCORE_SETTINGS } from './score-setting.ts';

const settings = { identities: IDENTITIES, ...SCORE_SETTINGS } as const satisfies SettingsTable;
/** Frames written before other work gets a turn. */
const FRAMES_PER_TURN = 500;

/** A file in the Arrow IPC format (arrow.apache.org/docs/format/Columnar.html), one row per detection. */
export const arrow: ExportFormat = {
	id: 'arrow',
	title: 'Arrow',
	fileExtension: 'arrow',
	description: 'An Arrow IPC file, a row per detection, for pandas, Polars, DuckDB and the like.',
	settings,
	async write({ runs, out, range, settings: given, signal, onProgress }) {
		const run = runs[0]!;
		const resolved = resolveSettings(settings, given, 'format arrow');
		const rows = requireRows(run, range);
		const identitiesOf = await followRun(run, resolved.identities, signal);
		const columns = new DetectionColumns(run, leastScores(run, resolved), identitiesOf);
		await writePartialFirst(out, [run.header.video.path], async (partial) => {
			for (const [done, row] of rows.entries()) {
				columns.add(row);
				onProgress?.(done + 1, rows.length);
				if (done % FRAMES_PER_TURN === 0) await new Promise(setImmediate);
				signal?.throwIfAborted();
			}
			await writeFile(partial, tableToIPC(columns.table(), 'file'), signal ? { signal } : {});
		});
	},
};

/** Detections as columns that grow frame by frame. */
class DetectionColumns {
	readonly #run: StoredRun;
	readonly #least: LeastScores;
	readonly #identitiesOf: IdentitiesOfRow;
	readonly #frame: number[] = [];
	readonly #time: number[] = [];
	readonly #class: number[] = [];
	readonly #score: number[] = [];
	readonly #boxes: number[][] = [[], [], [], []];
	readonly #identity: number[] = [];

	constructor(run: StoredRun, least: LeastScores, identitiesOf: IdentitiesOfRow) {
		this.#run = run;
		this.#least = least;
		this.#identitiesOf = identitiesOf;
	}

	add(row: number): void {
		const { frameIndex, timeSeconds } = this.#run.frames;
		const detections = this.#run.detections(row).scoredAtLeast(this.#least);
		const identities = this.#identitiesOf(row);
		for (let i = 0; i < detections.count; i++) {
			this.#frame.push(frameIndex[row]!);
			this.#time.push(timeSeconds[row]!);
			this.#class.push(detections.classIndices[i]!);
			this.#score.push(detections.scores[i]!);
			detections.box(i).forEach((pixels, side) => this.#boxes[side]!.push(pixels));
			this.#identity.push(identities[i]!);
		}
	}

	table(): Table {
		const length = this.#frame.length;
		const { classes, name } = this.#run.header.model;
		const classType = new Dictionary(new Utf8(), new Uint16());
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
			column('identity', this.#identities(length), 'who is followed; null = nobody in particular'),
		];
		const fields = columns.map(
			({ title, data, meaning }) =>
				new Field(title, data.type, title === 'identity', new Map([['meaning', meaning]])),
		);
		const schema = new Schema(
			fields,
			new Map([
				['model', name],
				['mode', this.#run.header.mode],
			]),
		);
		const children = columns.map(({ data }) => data);
		return new Table(schema, [
			new RecordBatch(schema, makeData({ type: new Struct(fields), length, nullCount: 0, children })),
		]);
	}

	/** Identities from 1; the validity bit, least significant first, is cleared if there is none. */
	#identities(length: number): Data {
		const nullBitmap = new Uint8Array(Math.ceil(length / 8));
		let nullCount = 0;
		this.#identity.forEach((identity, i) => {
			if (identity > 0) nullBitmap[i >> 3]! |= 1 << (i & 7);
			else nullCount++;
		});
		return makeData({
			type: new Int32(),
			length,
			data: Int32Array.from(this.#identity),
			nullBitmap,
			nullCount,
		});
	}
}

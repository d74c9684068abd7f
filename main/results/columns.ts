import {
	Binary,
	Field,
	Float32,
	Float64,
	Int32,
	makeData,
	RecordBatch,
	Schema,
	Struct,
	tableToIPC,
	Table,
	Uint16,
	Uint8,
	type Data,
	type DataType,
} from 'apache-arrow';
import { STAGES } from '../domain/cost.ts';
import type { FrameResult } from '../domain/frame-result.ts';
import { SELECTION_KINDS, TOKEN_MAP_KINDS } from '../domain/tokens.ts';

/** Streams that every run has; rows are frames, detections, frames. */
export const LASTING_STREAMS = ['frames', 'detections', 'tokens'] as const;
/** Streams that exist only if the mode or the model gives something for them; rows are token maps, frames, frames. */
export const OPTIONAL_STREAMS = ['maps', 'drift', 'camera'] as const;
/** The Arrow IPC streams of a run. */
export const STREAMS = [...LASTING_STREAMS, ...OPTIONAL_STREAMS] as const;
export type OptionalStream = (typeof OPTIONAL_STREAMS)[number];
export type StreamName = (typeof STREAMS)[number];

export function isOptional(stream: StreamName): stream is OptionalStream {
	return (OPTIONAL_STREAMS as readonly StreamName[]).includes(stream);
}

export function streamRecord<T>(of: (stream: StreamName) => T): Record<StreamName, T> {
	return {
		frames: of('frames'),
		detections: of('detections'),
		tokens: of('tokens'),
		maps: of('maps'),
		drift: of('drift'),
		camera: of('camera'),
	};
}

const PIXELS = { unit: 'pixels of the displayed video' };
const FRAME_INDEX = column('frame_index', new Int32(), { meaning: 'decoded frame of the file, from 0' });

/** What each stream holds; units and meanings travel as field metadata. */
export const SCHEMAS: Record<StreamName, Schema> = {
	frames: schema('frames', [
		FRAME_INDEX,
		column('time_seconds', new Float64(), { unit: 'seconds in the clock of the file' }),
		column('kind', new Uint8(), { values: SELECTION_KINDS.map((kind, i) => `${i}=${kind}`).join(', ') }),
		column('selected_tokens', new Int32(), { meaning: 'tokens recomputed for this frame' }),
		column('detection_count', new Int32(), { meaning: 'rows of this frame in detections.arrow' }),
		column('macs', new Float64(), { unit: 'multiply-adds' }),
		column('budget_macs', new Float64(), { unit: 'multiply-adds', meaning: 'null = no budget' }, true),
		...STAGES.map((stage) => column(`${stage}_ms`, new Float32(), { unit: 'milliseconds' })),
	]),
	detections: schema('detections', [
		FRAME_INDEX,
		column('class_index', new Uint16(), { meaning: 'place in model.classes of run.json' }),
		column('score', new Float32(), { range: '0 to 1' }),
		...['left', 'top', 'right', 'bottom'].map((side) => column(side, new Float32(), PIXELS)),
	]),
	tokens: schema('tokens', [
		FRAME_INDEX,
		column('recomputed', new Binary(), {
			layout: 'a bit per token, raster order, least significant bit first; the grid is in run.json',
		}),
	]),
	maps: schema('maps', [
		FRAME_INDEX,
		column('kind', new Uint8(), { values: TOKEN_MAP_KINDS.map((kind, i) => `${i}=${kind}`).join(', ') }),
		column('values', new Binary(), {
			layout: 'a byte per token, raster order; the grid is in run.json',
			meaning: '0 to 255: least to most; of clusters, which one',
		}),
	]),
	drift: schema('drift', [
		FRAME_INDEX,
		column('waiting_tokens', new Int32(), { meaning: 'tokens that changed and were not recomputed' }),
		column('longest_wait', new Int32(), { unit: 'frames' }),
		column('sufficient_tokens', new Int32(), {
			meaning: 'tokens that would have had to be recomputed for the agreement that was asked for',
		}),
		column('agreement', new Float32(), {
			range: '0 to 1',
			meaning: 'estimated F1 of the last 50 frames with dense',
		}),
		column('lower', new Float32(), { range: '0 to 1', meaning: 'bound of the 95 % interval of agreement' }),
		column('upper', new Float32(), { range: '0 to 1', meaning: 'bound of the 95 % interval of agreement' }),
		...['matched', 'lost', 'gained'].map((count) =>
			column(`audit_${count}`, new Int32(), {
				meaning: `detections ${count} by the reduced answer where a frame was computed dense as well; -1 elsewhere`,
			}),
		),
		column('stale', new Binary(), {
			layout: 'a bit per detection of the frame, least significant bit first; empty = none',
			meaning: 'boxes that rest on tokens that have waited for too long',
		}),
	]),
	camera: schema('camera', [
		FRAME_INDEX,
		column('x', new Float32(), {
			...PIXELS,
			meaning: 'how far the camera looks to the right of the first frame',
		}),
		column('y', new Float32(), { ...PIXELS, meaning: 'how far it looks below the first frame' }),
		column('scale', new Float32(), { meaning: 'magnification against the first frame' }),
		column('rotation', new Float32(), {
			unit: 'radians',
			meaning: 'by which the camera has turned clockwise',
		}),
		column('grid_x', new Float32(), {
			...PIXELS,
			meaning: 'how far the grid of tokens lies to the right of its place at rest',
		}),
		column('grid_y', new Float32(), { ...PIXELS, meaning: 'how far it lies below' }),
	]),
};

/** How a finished stream ends: a continuation marker and a length of zero (Arrow columnar format, IPC streams). */
export const STREAM_END = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);

/** How every stream begins: its schema message. Batches follow, each a message of its own. */
export const STREAM_HEADS: Record<StreamName, Uint8Array> = streamRecord((stream) =>
	withoutEnd(tableToIPC(new Table(SCHEMAS[stream]), 'stream')),
);

/** The rows of `results` as one message per stream, to be appended. */
export function encodeBatch(results: readonly FrameResult[]): Record<StreamName, Uint8Array> {
	return {
		frames: encode('frames', results.length, frameChildren(results)),
		detections: encode('detections', detectionTotal(results), detectionChildren(results)),
		tokens: encode('tokens', results.length, tokenChildren(results)),
		maps: encodeMaps(results),
		drift: encodeDrift(results),
		camera: encodeCamera(results),
	};
}

/** Empty if no frame has an estimate. */
function encodeDrift(results: readonly FrameResult[]): Uint8Array {
	const rows = results.flatMap(({ frameIndex, detections, drift }) =>
		drift ? [{ frameIndex, stale: detections.stale, ...drift }] : [],
	);
	if (rows.length === 0) return new Uint8Array(0);
	const integers = (of: (row: (typeof rows)[number]) => number) =>
		data(new Int32(), Int32Array.from(rows, of));
	const numbers = (of: (row: (typeof rows)[number]) => number) =>
		data(new Float32(), Float32Array.from(rows, of));
	return encode('drift', rows.length, [
		integers((row) => row.frameIndex),
		integers((row) => row.waitingTokens),
		integers((row) => row.longestWait),
		integers((row) => row.sufficientTokens),
		numbers((row) => row.agreement),
		numbers((row) => row.lower),
		numbers((row) => row.upper),
		integers((row) => row.audit?.matched ?? -1),
		integers((row) => row.audit?.lost ?? -1),
		integers((row) => row.audit?.gained ?? -1),
		binary(rows.map(({ stale }) => (stale ? packMarks(stale) : new Uint8Array(0)))),
	]);
}

/** Empty if the camera was fixed in all frames. */
function encodeCamera(results: readonly FrameResult[]): Uint8Array {
	const rows = results.flatMap(({ frameIndex, camera }) => (camera ? [{ frameIndex, ...camera }] : []));
	if (rows.length === 0) return new Uint8Array(0);
	const numbers = (of: (row: (typeof rows)[number]) => number) =>
		data(new Float32(), Float32Array.from(rows, of));
	return encode('camera', rows.length, [
		data(
			new Int32(),
			Int32Array.from(rows, (row) => row.frameIndex),
		),
		numbers((row) => row.x),
		numbers((row) => row.y),
		numbers((row) => row.scale),
		numbers((row) => row.rotation),
		numbers((row) => row.gridX),
		numbers((row) => row.gridY),
	]);
}

/** Marks of 0 and 1 as bits, least significant first. */
function packMarks(marks: Uint8Array): Uint8Array {
	const bits = new Uint8Array((marks.length + 7) >> 3);
	marks.forEach((mark, i) => (bits[i >> 3]! |= mark << (i & 7)));
	return bits;
}

/** Empty if no frame has a map. */
function encodeMaps(results: readonly FrameResult[]): Uint8Array {
	const rows = results.flatMap(({ frameIndex, maps = [] }) => maps.map((map) => ({ frameIndex, ...map })));
	if (rows.length === 0) return new Uint8Array(0);
	return encode('maps', rows.length, [
		data(
			new Int32(),
			Int32Array.from(rows, (row) => row.frameIndex),
		),
		data(
			new Uint8(),
			Uint8Array.from(rows, (row) => TOKEN_MAP_KINDS.indexOf(row.kind)),
		),
		binary(rows.map((row) => row.values)),
	]);
}

function frameChildren(results: readonly FrameResult[]): Data[] {
	const rows = results.length;
	const budgets = results.map((result) => result.budgetMacs);
	return [
		data(
			new Int32(),
			Int32Array.from(results, (r) => r.frameIndex),
		),
		data(
			new Float64(),
			Float64Array.from(results, (r) => r.timeSeconds),
		),
		data(
			new Uint8(),
			Uint8Array.from(results, (r) => SELECTION_KINDS.indexOf(r.kind)),
		),
		data(
			new Int32(),
			Int32Array.from(results, (r) => r.selectedTokens),
		),
		data(
			new Int32(),
			Int32Array.from(results, (r) => r.detections.count),
		),
		data(
			new Float64(),
			Float64Array.from(results, (r) => r.cost.macs),
		),
		makeData({
			type: new Float64(),
			length: rows,
			data: Float64Array.from(budgets, (macs) => macs ?? 0),
			nullCount: budgets.filter((macs) => macs === null).length,
			nullBitmap: validity(budgets),
		}),
		...STAGES.map((stage) =>
			data(
				new Float32(),
				Float32Array.from(results, (r) => r.cost.milliseconds[stage]),
			),
		),
	];
}

function detectionChildren(results: readonly FrameResult[]): Data[] {
	const rows = detectionTotal(results);
	const frameIndices = new Int32Array(rows);
	const classIndices = new Uint16Array(rows);
	const scores = new Float32Array(rows);
	const sides = [0, 1, 2, 3].map(() => new Float32Array(rows));
	let row = 0;
	for (const { frameIndex, detections } of results) {
		frameIndices.fill(frameIndex, row, row + detections.count);
		classIndices.set(detections.classIndices, row);
		scores.set(detections.scores, row);
		for (let i = 0; i < detections.count; i++) {
			for (let side = 0; side < 4; side++) sides[side]![row + i] = detections.boxesXyxy[4 * i + side]!;
		}
		row += detections.count;
	}
	return [
		data(new Int32(), frameIndices),
		data(new Uint16(), classIndices),
		data(new Float32(), scores),
		...sides.map((side) => data(new Float32(), side)),
	];
}

function tokenChildren(results: readonly FrameResult[]): Data[] {
	return [
		data(
			new Int32(),
			Int32Array.from(results, (r) => r.frameIndex),
		),
		binary(results.map((result) => result.selection)),
	];
}

function detectionTotal(results: readonly FrameResult[]): number {
	return results.reduce((sum, result) => sum + result.detections.count, 0);
}

function encode(stream: StreamName, rows: number, children: Data[]): Uint8Array {
	const { fields } = SCHEMAS[stream];
	const struct = makeData({ type: new Struct(fields), length: rows, nullCount: 0, children });
	const bytes = tableToIPC(new Table(new RecordBatch(SCHEMAS[stream], struct)), 'stream');
	return withoutEnd(bytes).subarray(STREAM_HEADS[stream].length);
}

function withoutEnd(stream: Uint8Array): Uint8Array {
	return stream.subarray(0, stream.length - STREAM_END.length);
}

function validity(values: readonly unknown[]): Uint8Array {
	const bitmap = new Uint8Array((values.length + 7) >> 3);
	values.forEach((value, i) => {
		if (value !== null) bitmap[i >> 3]! |= 1 << (i & 7);
	});
	return bitmap;
}

type Values = Uint8Array | Uint16Array | Int32Array | Float32Array | Float64Array;

function data(type: DataType, values: Values): Data {
	return makeData({ type: type as Int32, length: values.length, data: values as Int32Array, nullCount: 0 });
}

function binary(values: readonly Uint8Array[]): Data {
	const offsets = new Int32Array(values.length + 1);
	values.forEach((value, i) => (offsets[i + 1] = offsets[i]! + value.length));
	const bytes = new Uint8Array(offsets[values.length]!);
	values.forEach((value, i) => bytes.set(value, offsets[i]));
	return makeData({
		type: new Binary(),
		length: values.length,
		valueOffsets: offsets,
		data: bytes,
		nullCount: 0,
	});
}

function column(name: string, type: DataType, metadata: Record<string, string>, nullable = false): Field {
	return new Field(name, type, nullable, new Map(Object.entries(metadata)));
}

function schema(stream: string, fields: Field[]): Schema {
	return new Schema(
		fields,
		new Map([
			['format', 'sparsight-run'],
			['version', '1'],
			['stream', stream],
		]),
	);
}

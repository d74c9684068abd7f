import { DataType } from 'apache-arrow';
import { SCHEMAS, streamRecord, type StreamName } from './columns.ts';
import { unreadable } from './run-folder.ts';

type Values = Uint8Array | Uint16Array | Int32Array | Float32Array | Float64Array;
type ValuesConstructor = {
	new (buffer: ArrayBufferLike, byteOffset: number, length: number): Values;
	readonly BYTES_PER_ELEMENT: number;
};

/** `first`: the first of a column's buffers, its validity. Behind it are its numbers, or where the bytes of rows begin. */
type Column = { first: number; numbers: ValuesConstructor; isBytes: boolean };
type Layout = { columns: ReadonlyMap<string, Column>; buffers: number };

const LAYOUTS = streamRecord((stream): Layout => {
	let buffers = 0;
	const columns = SCHEMAS[stream].fields.map(({ name, type }): [string, Column] => {
		const first = buffers;
		const isBytes = DataType.isBinary(type);
		buffers += isBytes ? 3 : 2;
		const numbers = isBytes ? Int32Array : (type as { ArrayType: ValuesConstructor }).ArrayType;
		return [name, { first, isBytes, numbers }];
	});
	return { columns: new Map(columns), buffers };
});

/** Rows of a stream, in columns that are views into the bytes of the file. */
export class Batch {
	readonly rowCount: number;
	readonly #layout: Layout;
	readonly #body: Uint8Array;
	/** Place and length of each buffer in the body. */
	readonly #places: Uint32Array;
	readonly #views = new Map<string, Values>();

	/** Use `decodeBatches`. */
	constructor(layout: Layout, rowCount: number, body: Uint8Array, places: Uint32Array) {
		this.rowCount = rowCount;
		this.#layout = layout;
		this.#body = body;
		this.#places = places;
	}

	/** The numbers of a column. */
	values<T extends Values>(name: string): T {
		return this.#view(name, this.rowCount) as T;
	}

	/** [rowCount + 1] Where the bytes of each row begin in a column of bytes. */
	offsets(name: string): Int32Array {
		return this.#view(name, this.rowCount + 1) as Int32Array;
	}

	/** What a column of bytes has in a row; a view. */
	bytes(name: string, row: number): Uint8Array {
		const offsets = this.offsets(name);
		return this.#buffer(this.#column(name).first + 2).subarray(offsets[row], offsets[row + 1]);
	}

	/** A bit per row, least significant first, set where there is a number; empty where no one is missing. */
	validity(name: string): Uint8Array {
		return this.#buffer(this.#column(name).first);
	}

	#view(name: string, length: number): Values {
		let view = this.#views.get(name);
		if (!view) {
			const { first, numbers } = this.#column(name);
			view = new numbers(this.#body.buffer, this.#body.byteOffset + this.#places[2 * first + 2]!, length);
			this.#views.set(name, view);
		}
		return view;
	}

	#column(name: string): Column {
		return this.#layout.columns.get(name)!;
	}

	#buffer(buffer: number): Uint8Array {
		const place = this.#places[2 * buffer]!;
		return this.#body.subarray(place, place + this.#places[2 * buffer + 1]!);
	}
}

// Arrow's columnar format, "Encapsulated message format": a marker, the length of the metadata, the metadata (a flatbuffer of
// Message.fbs), the body. It is read by hand because apache-arrow takes fifty times as long, and long runs have many batches.
const MARKER = -1;
const SCHEMA = 1;
const RECORD_BATCH = 3;
/** Numbers of fields in their tables. */
const MESSAGE = { headerType: 1, header: 2, bodyLength: 3 };
const RECORDS = { length: 0, buffers: 2, compression: 3 };
/** Bytes of a buffer's entry: its place and its length, 64 bits each. */
const ENTRY_BYTES = 16;
/** Bytes that lie at a multiple of this can be viewed as numbers. */
const ALIGNMENT = 8;

/** The batches in `bytes`, whole messages of a stream with or without its head. Throws `run-unreadable`, naming `place`. */
export function* decodeBatches(stream: StreamName, bytes: Uint8Array, place: string): Generator<Batch, void> {
	try {
		yield* batchesIn(stream, bytes);
	} catch (error) {
		throw unreadable(place, `batches of the stream ${stream} were expected (got something else)`, error);
	}
}

function* batchesIn(stream: StreamName, bytes: Uint8Array): Generator<Batch, void> {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	for (let at = 0; at < bytes.length;) {
		insist(view.getInt32(at, true) === MARKER);
		const metadata = at + 8;
		const metadataBytes = view.getInt32(at + 4, true);
		if (metadataBytes === 0) return; // the end of the stream
		const message = pointedAt(view, metadata);
		const headerType = view.getUint8(fieldOf(view, message, MESSAGE.headerType));
		const header = pointedAt(view, fieldOf(view, message, MESSAGE.header));
		const body = metadata + metadataBytes;
		const length = fieldOf(view, message, MESSAGE.bodyLength);
		at = body + (length > 0 ? integerAt(view, length) : 0);
		insist(metadataBytes > 0 && at <= bytes.length);
		if (headerType === RECORD_BATCH) yield decodeBatch(stream, view, header, bytes.subarray(body, at));
		else insist(headerType === SCHEMA);
	}
}

function decodeBatch(stream: StreamName, view: DataView, header: number, body: Uint8Array): Batch {
	const layout = LAYOUTS[stream];
	const rowCount = integerAt(view, fieldOf(view, header, RECORDS.length));
	const entries = pointedAt(view, fieldOf(view, header, RECORDS.buffers));
	insist(
		view.getUint32(entries, true) === layout.buffers && fieldOf(view, header, RECORDS.compression) === 0,
	);
	const places = new Uint32Array(2 * layout.buffers);
	for (let i = 0; i < layout.buffers; i++) {
		const entry = entries + 4 + i * ENTRY_BYTES;
		const [place, length] = [integerAt(view, entry), integerAt(view, entry + 8)];
		insist(place % ALIGNMENT === 0 && place + length <= body.length);
		places[2 * i] = place;
		places[2 * i + 1] = length;
	}
	for (const { first, numbers, isBytes } of layout.columns.values()) {
		const count = isBytes ? rowCount + 1 : rowCount;
		insist(places[2 * first + 3]! >= count * numbers.BYTES_PER_ELEMENT);
	}
	return new Batch(layout, rowCount, body.byteOffset % ALIGNMENT === 0 ? body : body.slice(), places);
}

/** Where field `number` of a table stands; 0 where the table has none. */
function fieldOf(view: DataView, table: number, number: number): number {
	const fields = table - view.getInt32(table, true);
	const slot = 4 + 2 * number;
	const offset = slot < view.getUint16(fields, true) ? view.getUint16(fields + slot, true) : 0;
	return offset === 0 ? 0 : table + offset;
}

function pointedAt(view: DataView, at: number): number {
	return at + view.getUint32(at, true);
}

/** 64 bits. */
function integerAt(view: DataView, at: number): number {
	return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

function insist(holds: boolean): void {
	if (!holds) throw new RangeError('no batch of the stream');
}

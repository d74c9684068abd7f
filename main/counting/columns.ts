type Column =
	Uint8Array | Int8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array;
export type Columns = Record<string, Column>;

/** The same columns with twice the room. */
export function enlarged<T extends Columns>(columns: T): T {
	return mapped(columns, (column) => {
		const larger = new (column.constructor as new (length: number) => Column)(2 * column.length);
		larger.set(column);
		return larger;
	});
}

/** The first `count` numbers of each. */
export function filled<T extends Columns>(columns: T, count: number): T {
	return mapped(columns, (column) => column.subarray(0, count));
}

function mapped<T extends Columns>(columns: T, change: (column: Column) => Column): T {
	return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, change(column)])) as T;
}

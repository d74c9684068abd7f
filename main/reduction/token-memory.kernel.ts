// AssemblyScript: fresh rows into their places in a memory, compiled to WebAssembly with SIMD. All arguments are byte
// addresses and counts; memory is laid out by memory.ts. Nothing here allocates.

/**
 * fresh: `parts` times [count, width] float32, one part after another. Row i of each part becomes row `tokens[i]` (i32
 * indices) of the same part of `table`, `parts` times [rows, width].
 */
export function putRows(
	fresh: usize,
	table: usize,
	tokens: usize,
	count: i32,
	parts: i32,
	rows: i32,
	width: i32,
): void {
	const rowBytes: usize = width << 2;
	const whole: usize = rowBytes & ~15;
	for (let part = 0; part < parts; part++) {
		const partOfTable: usize = table + (part as usize) * (rows as usize) * rowBytes;
		for (let i = 0; i < count; i++) {
			const to: usize = partOfTable + (load<i32>(tokens + (i << 2)) as usize) * rowBytes;
			let at: usize = 0;
			for (; at < whole; at += 16) v128.store(to + at, v128.load(fresh + at));
			for (; at < rowBytes; at += 4) store<f32>(to + at, load<f32>(fresh + at));
			fresh += rowBytes;
		}
	}
}

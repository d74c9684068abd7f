// AssemblyScript: copies of rows within the remembered keys and values, compiled to WebAssembly with SIMD. Arguments are byte
// addresses, sizes in bytes and counts.

/** Copies row `from[i]` of each head over its row `to[i]`; `first` is row 0 of the first head. */
export function moveRows(
	first: usize,
	heads: i32,
	headBytes: usize,
	rowBytes: usize,
	from: usize,
	to: usize,
	count: i32,
): void {
	for (let head = 0; head < heads; head++) {
		for (let i = 0; i < count; i++) {
			const at = (<usize>i) << 2;
			const source = first + (<usize>load<i32>(from + at)) * rowBytes;
			const target = first + (<usize>load<i32>(to + at)) * rowBytes;
			let byte: usize = 0;
			for (; byte + 16 <= rowBytes; byte += 16) v128.store(target + byte, v128.load(source + byte));
			for (; byte < rowBytes; byte += 4) f32.store(target + byte, f32.load(source + byte));
		}
		first += headBytes;
	}
}

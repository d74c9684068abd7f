// AssemblyScript: rows of a memory moved and replaced, compiled to WebAssembly with SIMD. All arguments are byte
// addresses and counts; memory is laid out by memory.ts. Nothing here allocates.

/**
 * Row `from[i]` of `source` becomes row `to[i]` of `target`, for each of `count` i and each of `parts` parts; a part is
 * `sourceRows` or `targetRows` rows of `width` float32. from, to: i32 indices.
 */
export function moveRows(
	source: usize,
	sourceRows: i32,
	from: usize,
	target: usize,
	targetRows: i32,
	to: usize,
	count: i32,
	parts: i32,
	width: i32,
): void {
	const rowBytes: usize = width << 2;
	const whole: usize = rowBytes & ~15;
	for (let part = 0; part < parts; part++) {
		for (let i = 0; i < count; i++) {
			const a: usize = source + (load<i32>(from + (i << 2)) as usize) * rowBytes;
			const b: usize = target + (load<i32>(to + (i << 2)) as usize) * rowBytes;
			let at: usize = 0;
			for (; at < whole; at += 16) v128.store(b + at, v128.load(a + at));
			for (; at < rowBytes; at += 4) store<f32>(b + at, load<f32>(a + at));
		}
		source += (sourceRows as usize) * rowBytes;
		target += (targetRows as usize) * rowBytes;
	}
}

// AssemblyScript: remembered keys in bytes, compiled to WebAssembly. Arguments are byte addresses, sizes in bytes and counts.

/** Copies byte `from[i]` of each line over its byte `to[i]`; lines lie one behind the other. */
export function moveColumns(first: usize, lines: i32, lineBytes: usize, from: usize, to: usize, count: i32): void {
	for (let line = 0; line < lines; line++) {
		for (let i = 0; i < count; i++) {
			const at = (<usize>i) << 2;
			store<u8>(first + <usize>load<i32>(to + at), load<u8>(first + <usize>load<i32>(from + at)));
		}
		first += lineBytes;
	}
}

/** Copies lines of `count` bytes from `fresh` over the ends of as many lines. */
export function putColumns(fresh: usize, first: usize, lines: i32, lineBytes: usize, count: usize): void {
	for (let line = 0; line < lines; line++) {
		memory.copy(first + lineBytes - count, fresh, count);
		fresh += count;
		first += lineBytes;
	}
}

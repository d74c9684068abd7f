// AssemblyScript: remembered keys and values in bytes, compiled to WebAssembly with SIMD. Arguments are byte addresses, sizes in bytes
// and counts.

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

/** Copies lines of `count` bytes from `fresh` over the ends of as many lines. `largest`: of each line, the largest size of a number. */
export function putColumns(
	fresh: usize,
	first: usize,
	lines: i32,
	lineBytes: usize,
	count: usize,
	largest: usize,
): void {
	for (let line = 0; line < lines; line++) {
		const to = first + lineBytes - count;
		let most = i8x16.splat(0);
		let byte: usize = 0;
		for (; byte + 16 <= count; byte += 16) {
			const numbers = v128.load(fresh + byte);
			v128.store(to + byte, numbers);
			most = i8x16.max_u(most, i8x16.abs(numbers));
		}
		let size: u32 = 0;
		for (; byte < count; byte++) {
			const number = load<i8>(fresh + byte);
			store<i8>(to + byte, number);
			size = max(size, abs(<i32>number));
		}
		store<u8>(largest + <usize>line, max(size, largestOf(most)));
		fresh += count;
		first += lineBytes;
	}
}

/** Of each column of `rows` rows of bytes, the largest size of a number. */
export function largestInColumns(first: usize, rows: i32, rowBytes: usize, largest: usize): void {
	memory.fill(largest, 0, rowBytes);
	for (let row = 0; row < rows; row++) {
		let byte: usize = 0;
		for (; byte + 16 <= rowBytes; byte += 16) {
			const sizes = i8x16.abs(v128.load(first + byte));
			v128.store(largest + byte, i8x16.max_u(v128.load(largest + byte), sizes));
		}
		for (; byte < rowBytes; byte++) {
			const size: u32 = abs(<i32>load<i8>(first + byte));
			store<u8>(largest + byte, max(<u32>load<u8>(largest + byte), size));
		}
		first += rowBytes;
	}
}

/** Of 16 bytes without a sign. */
// @ts-ignore: decorator
@inline
function largestOf(bytes: v128): u32 {
	let most = i8x16.max_u(bytes, i8x16.shuffle(bytes, bytes, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15));
	most = i8x16.max_u(most, i8x16.shuffle(most, most, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7));
	most = i8x16.max_u(most, i8x16.shuffle(most, most, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3));
	return max(<u32>i8x16.extract_lane_u(most, 0), <u32>i8x16.extract_lane_u(most, 1));
}

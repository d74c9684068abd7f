// AssemblyScript: how a frame is drawn into the view, and what is read of its brightness, compiled to WebAssembly with SIMD.
// All arguments are byte addresses and counts; memory is laid out by frame-pixels.ts. Nothing here allocates.

/**
 * Draws a frame into a view. source: rgb rows, `sourceStride` bytes apart, of which pixel (0, 0) is the picture's first; pixels
 * around it can be read, of rows up to `endRow`. The view is drawn from pixel (left, top) on, in groups of eight pixels that
 * share a shift. Numbers of shift are in 2^−22 pixels, of which 64ths count: `x` is that of group 0 in row 0 of the source, by
 * which rows are resampled along themselves first; `y` is that of group 0 in row `top`, by which columns are then. ring: what
 * rows have become, i16, 64 per grey level, `ringStride` bytes apart, of the last `ringRows` rows (a power of two), from
 * row `firstRow` on. weights: 64 phases of four i16 each, 16384 for 1.
 */
export function draw(
	source: usize,
	sourceStride: usize,
	firstRow: i32,
	endRow: i32,
	left: i32,
	top: i32,
	groups: i32,
	rows: i32,
	x: i32,
	xPerGroup: i32,
	xPerRow: i32,
	y: i32,
	yPerGroup: i32,
	yPerRow: i32,
	weights: usize,
	ring: usize,
	ringStride: usize,
	ringRows: i32,
	view: usize,
	viewStride: usize,
): void {
	const yToLowest = max(0, yPerGroup * (groups - 1));
	let next = firstRow;
	for (let row = 0; row < rows; row++) {
		const end = min(endRow, top + row + ((y + yToLowest) >> 22) + 3);
		for (; next < end; next++) {
			const line: usize = source + next * sourceStride + 3 * left;
			const to: usize = ring + ((next & (ringRows - 1)) as usize) * ringStride;
			resampleAlong(line, groups, x + next * xPerRow, xPerGroup, weights, to);
		}
		const to: usize = view + row * viewStride;
		resampleAcross(ring, ringStride, ringRows, top + row, groups, y, yPerGroup, weights, to);
		y += yPerRow;
	}
}

/** A row of the source, resampled along itself. */
function resampleAlong(line: usize, groups: i32, x: i32, xPerGroup: i32, weights: usize, to: usize): void {
	let phase = -1;
	let w01 = i32x4.splat(0);
	let w23 = i32x4.splat(0);
	for (let group = 0; group < groups; group++) {
		const itsPhase = (x >> 16) & 63;
		if (itsPhase != phase) {
			phase = itsPhase;
			w01 = v128.load32_splat(weights + 8 * phase);
			w23 = v128.load32_splat(weights + 8 * phase, 4);
		}
		const from: usize = line + 3 * ((x >> 22) - 1);
		v128.store(to, i16x8.narrow_i32x4_s(fourAlong(from, w01, w23), fourAlong(from + 4, w01, w23)));
		v128.store(to, i16x8.narrow_i32x4_s(fourAlong(from + 8, w01, w23), fourAlong(from + 12, w01, w23)), 16);
		v128.store(to, i16x8.narrow_i32x4_s(fourAlong(from + 16, w01, w23), fourAlong(from + 20, w01, w23)), 32);
		line += 24;
		to += 48;
		x += xPerGroup;
	}
}

/** Row `row` of the view: columns of the ring, resampled along themselves. */
function resampleAcross(
	ring: usize,
	ringStride: usize,
	ringRows: i32,
	row: i32,
	groups: i32,
	y: i32,
	yPerGroup: i32,
	weights: usize,
	to: usize,
): void {
	const mask = ringRows - 1;
	let phase = -1;
	let w01 = i32x4.splat(0);
	let w23 = i32x4.splat(0);
	let first = i32.MIN_VALUE;
	let row0: usize = 0;
	let row1: usize = 0;
	let row2: usize = 0;
	let row3: usize = 0;
	let at: usize = 0;
	for (let group = 0; group < groups; group++) {
		const itsPhase = (y >> 16) & 63;
		if (itsPhase != phase) {
			phase = itsPhase;
			w01 = v128.load32_splat(weights + 8 * phase);
			w23 = v128.load32_splat(weights + 8 * phase, 4);
		}
		const itsFirst = row + (y >> 22) - 1;
		if (itsFirst != first) {
			first = itsFirst;
			row0 = ring + ((first & mask) as usize) * ringStride;
			row1 = ring + (((first + 1) & mask) as usize) * ringStride;
			row2 = ring + (((first + 2) & mask) as usize) * ringStride;
			row3 = ring + (((first + 3) & mask) as usize) * ringStride;
		}
		const a = eightAcross(row0 + at, row1 + at, row2 + at, row3 + at, w01, w23);
		const b = eightAcross(row0 + at + 16, row1 + at + 16, row2 + at + 16, row3 + at + 16, w01, w23);
		const c = eightAcross(row0 + at + 32, row1 + at + 32, row2 + at + 32, row3 + at + 32, w01, w23);
		v128.store(to, i8x16.narrow_i16x8_u(a, b));
		v128.store64_lane(to, i8x16.narrow_i16x8_u(c, c), 0, 16);
		at += 48;
		to += 24;
		y += yPerGroup;
	}
}

/** Luma (ITU-R BT.601) of rgb rows: [rows, cols] bytes, `outStride` apart; writes whole vectors. */
export function luma(frame: usize, frameStride: usize, rows: i32, cols: i32, out: usize, outStride: usize): void {
	for (let row = 0; row < rows; row++) {
		const from: usize = frame + row * frameStride;
		const to: usize = out + row * outStride;
		for (let col: usize = 0; col < (cols as usize); col += 16) v128.store(to + col, sixteenLumas(from + 3 * col));
	}
}

/** Luma of the squares of 16 pixels of `tokens[0..count)`, whose first one lies at `frame`: [count, 16, 16] bytes. */
export function lumaSquares(
	frame: usize,
	frameStride: usize,
	cols: i32,
	tokens: usize,
	count: i32,
	out: usize,
): void {
	for (let i = 0; i < count; i++) {
		const token = load<i32>(tokens + 4 * i);
		const from: usize = frame + (token / cols) * 16 * frameStride + (token % cols) * 48;
		for (let y = 0; y < 16; y++) v128.store(out + 16 * y, sixteenLumas(from + y * frameStride));
		out += 256;
	}
}

/** Mean of all three channels of the squares of `stride` pixels of all tokens: [rows · cols] f32, 0 to 255. */
export function squareMeans(
	frame: usize,
	frameStride: usize,
	rows: i32,
	cols: i32,
	stride: i32,
	out: usize,
): void {
	const bytes: usize = 3 * stride;
	const whole: usize = bytes & ~15;
	const tail: usize = bytes & 15;
	const tailMask = maskOfFirst(tail as i32);
	const scale: f32 = 1.0 / ((stride * stride * 3) as f32);
	for (let row = 0; row < rows; row++) {
		for (let col = 0; col < cols; col++) {
			let from: usize = frame + row * stride * frameStride + col * bytes;
			let sum = i32x4.splat(0);
			for (let y = 0; y < stride; y++) {
				let rowSum = i16x8.splat(0);
				for (let x: usize = 0; x < whole; x += 16) {
					rowSum = i16x8.add(rowSum, i16x8.extadd_pairwise_i8x16_u(v128.load(from + x)));
				}
				if (tail) {
					rowSum = i16x8.add(rowSum, i16x8.extadd_pairwise_i8x16_u(v128.and(v128.load(from + whole), tailMask)));
				}
				sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(rowSum));
				from += frameStride;
			}
			const total =
				i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) + i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3);
			store<f32>(out, (total as f32) * scale);
			out += 4;
		}
	}
}

/**
 * `bytes` bytes of every row times gain plus offset, rounded and kept within 0 to 255. gain: in 8192ths, below 4; offset: in
 * sixteenths. Rows of both are `stride` bytes apart.
 */
export function adjust(
	from: usize,
	stride: usize,
	rows: i32,
	bytes: i32,
	gain: i32,
	offset: i32,
	to: usize,
): void {
	const factor = i16x8.splat(gain as i16);
	const more = i16x8.splat((offset + 8) as i16);
	for (let row = 0; row < rows; row++) {
		for (let at: i32 = 0; at < bytes; at += 16) {
			const v = v128.load(from + at);
			const low = i16x8.shl(i16x8.extend_low_i8x16_u(v), 6);
			const high = i16x8.shl(i16x8.extend_high_i8x16_u(v), 6);
			const adjusted = i8x16.narrow_i16x8_u(
				i16x8.shr_s(i16x8.add_sat_s(i16x8.q15mulr_sat_s(low, factor), more), 4),
				i16x8.shr_s(i16x8.add_sat_s(i16x8.q15mulr_sat_s(high, factor), more), 4),
			);
			v128.store(to + at, v128.bitselect(adjusted, v128.load(to + at), maskOfFirst(min(16, bytes - at))));
		}
		from += stride;
		to += stride;
	}
}

/** Four bytes, from the fourth on, resampled with those of the pixel before and of the two behind: 64 per grey level, rounded down. */
// @ts-ignore: decorator
@inline
function fourAlong(from: usize, w01: v128, w23: v128): v128 {
	const v = v128.load(from);
	const first = i8x16.swizzle(v, i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, 3, -1, 6, -1));
	const second = i8x16.swizzle(v, i8x16(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, 9, -1, 12, -1));
	return i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(first, w01), i32x4.dot_i16x8_s(second, w23)), 8);
}

/** Eight columns of four rows, resampled: whole grey levels, rounded, with the half by which rows were rounded down. */
// @ts-ignore: decorator
@inline
function eightAcross(row0: usize, row1: usize, row2: usize, row3: usize, w01: v128, w23: v128): v128 {
	const a = v128.load(row0);
	const b = v128.load(row1);
	const c = v128.load(row2);
	const d = v128.load(row3);
	const half = i32x4.splat((1 << 19) + (1 << 13));
	const low = i32x4.add(
		i32x4.dot_i16x8_s(v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11), w01),
		i32x4.dot_i16x8_s(v128.shuffle<i16>(c, d, 0, 8, 1, 9, 2, 10, 3, 11), w23),
	);
	const high = i32x4.add(
		i32x4.dot_i16x8_s(v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15), w01),
		i32x4.dot_i16x8_s(v128.shuffle<i16>(c, d, 4, 12, 5, 13, 6, 14, 7, 15), w23),
	);
	return i16x8.narrow_i32x4_s(i32x4.shr_s(i32x4.add(low, half), 20), i32x4.shr_s(i32x4.add(high, half), 20));
}

/** The lumas of sixteen pixels. */
// @ts-ignore: decorator
@inline
function sixteenLumas(from: usize): v128 {
	return i8x16.narrow_i16x8_u(
		i16x8.narrow_i32x4_s(fourLumas(from), fourLumas(from + 12)),
		i16x8.narrow_i32x4_s(fourLumas(from + 24), fourLumas(from + 36)),
	);
}

/** The lumas of four pixels; reads 16 bytes. */
// @ts-ignore: decorator
@inline
function fourLumas(from: usize): v128 {
	const v = v128.load(from);
	const redAndGreen = i8x16.swizzle(v, i8x16(0, -1, 1, -1, 3, -1, 4, -1, 6, -1, 7, -1, 9, -1, 10, -1));
	const blue = i8x16.swizzle(v, i8x16(2, -1, -1, -1, 5, -1, -1, -1, 8, -1, -1, -1, 11, -1, -1, -1));
	const sum = i32x4.add(
		i32x4.dot_i16x8_s(redAndGreen, i16x8(77, 150, 77, 150, 77, 150, 77, 150)),
		i32x4.dot_i16x8_s(blue, i16x8(29, 0, 29, 0, 29, 0, 29, 0)),
	);
	return i32x4.shr_u(i32x4.add(sum, i32x4.splat(128)), 8);
}

/** 16 bytes of which the first `count` are set. */
// @ts-ignore: decorator
@inline
function maskOfFirst(count: i32): v128 {
	const places = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	return i8x16.lt_u(places, i8x16.splat(count as i8));
}

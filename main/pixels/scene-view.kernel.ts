// AssemblyScript: how a frame is drawn into the view, and what is read of its brightness, compiled to WebAssembly with SIMD.
// All arguments are byte addresses and counts; memory is laid out by frame-pixels.ts. Nothing here allocates.

/**
 * First half of drawing a frame into a view: every row is resampled along itself. source: rgb rows, `sourceStride` bytes apart, of
 * which pixel (0, 0) is the picture's first; some pixels around it can be read. Pixel x of a row of `lines` is pixel
 * x + shift + grow · (x − centreX) − spin · (y − shiftY − spin · (x − centreX) − centreY) of row y, in groups of eight pixels that
 * share a shift. lines: i16, 64 per grey level, `linesStride` bytes apart; its first pixel is pixel `left`.
 * weights: 64 phases of four i16 each, 16384 for 1.
 */
export function resampleAlong(
	source: usize,
	sourceStride: usize,
	firstRow: i32,
	rows: i32,
	left: i32,
	groups: i32,
	shift: f32,
	shiftY: f32,
	grow: f32,
	spin: f32,
	centreX: f32,
	centreY: f32,
	weights: usize,
	lines: usize,
	linesStride: usize,
): void {
	for (let row = 0; row < rows; row++) {
		const y = firstRow + row;
		const line: usize = source + y * sourceStride;
		let to: usize = lines + row * linesStride;
		for (let group = 0; group < groups; group++) {
			const x = left + 8 * group;
			const fromCentre = (x as f32) + 3.5 - centreX;
			const down = (y as f32) - shiftY - spin * fromCentre - centreY;
			const place = shift + grow * fromCentre - spin * down;
			const sixtyFourths = Mathf.floor(64 * place + 0.5) as i32;
			const from: usize = line + 3 * (x + (sixtyFourths >> 6) - 1);
			const weight: usize = weights + 8 * (sixtyFourths & 63);
			const w0 = v128.load16_splat(weight);
			const w1 = v128.load16_splat(weight, 2);
			const w2 = v128.load16_splat(weight, 4);
			const w3 = v128.load16_splat(weight, 6);
			for (let part: usize = 0; part < 24; part += 8) {
				const sum = i16x8.add(
					i16x8.add(weighted(from + part, w0), weighted(from + part + 3, w1)),
					i16x8.add(weighted(from + part + 6, w2), weighted(from + part + 9, w3)),
				);
				v128.store(to + 2 * part, sum);
			}
			to += 48;
		}
	}
}

/**
 * Second half: every column is resampled along itself. Row y of the view is row y + shift + spin · (x − centreX) + grow · (y −
 * centreY) of `lines`, whose first row is row `firstRow`. view: rgb rows from pixel (left, top) on.
 */
export function resampleAcross(
	lines: usize,
	linesStride: usize,
	firstRow: i32,
	left: i32,
	top: i32,
	groups: i32,
	rows: i32,
	shift: f32,
	grow: f32,
	spin: f32,
	centreX: f32,
	centreY: f32,
	weights: usize,
	view: usize,
	viewStride: usize,
): void {
	const half = i16x8.splat(16);
	for (let row = 0; row < rows; row++) {
		const y = top + row;
		let to: usize = view + row * viewStride;
		for (let group = 0; group < groups; group++) {
			const place = shift + spin * (((left + 8 * group) as f32) + 3.5 - centreX) + grow * ((y as f32) - centreY);
			const sixtyFourths = Mathf.floor(64 * place + 0.5) as i32;
			const from: usize = lines + (y + (sixtyFourths >> 6) - 1 - firstRow) * linesStride + 48 * group;
			const weight: usize = weights + 8 * (sixtyFourths & 63);
			const w0 = v128.load16_splat(weight);
			const w1 = v128.load16_splat(weight, 2);
			const w2 = v128.load16_splat(weight, 4);
			const w3 = v128.load16_splat(weight, 6);
			for (let part: usize = 0; part < 24; part += 8) {
				const at = from + 2 * part;
				const sum = i16x8.add(
					i16x8.add(
						i16x8.q15mulr_sat_s(v128.load(at), w0),
						i16x8.q15mulr_sat_s(v128.load(at + linesStride), w1),
					),
					i16x8.add(
						i16x8.q15mulr_sat_s(v128.load(at + 2 * linesStride), w2),
						i16x8.q15mulr_sat_s(v128.load(at + 3 * linesStride), w3),
					),
				);
				const bytes = i16x8.shr_s(i16x8.add(sum, half), 5);
				v128.store64_lane(to + part, i8x16.narrow_i16x8_u(bytes, bytes), 0);
			}
			to += 24;
		}
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

/** Eight bytes times a weight of 16384 for 1: 64 per grey level. */
// @ts-ignore: decorator
@inline
function weighted(at: usize, weight: v128): v128 {
	return i16x8.q15mulr_sat_s(i16x8.shl(i16x8.extend_low_i8x16_u(v128.load64_zero(at)), 7), weight);
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

// AssemblyScript: the loops over pixels, compiled to WebAssembly with SIMD. All arguments are byte addresses
// and counts; memory is laid out by frame-pixels.ts. Nothing here allocates.

/**
 * Mean absolute difference, 0 to 255, of every token's window against its reference.
 * frame: padded rgb rows, `frameStride` bytes apart; window of token (row, col) starts at
 * (row · stride) rows and (col · stride · 3) bytes. references: per token `side` rows, `pitch` bytes apart.
 * rects: per token four bytes, the first and the end of the columns, then of the rows of its window that are compared; what is not
 * compared counts as no change. 0 = whole windows are.
 */
export function changeSince(
	frame: usize,
	frameStride: usize,
	references: usize,
	pitch: usize,
	rows: i32,
	cols: i32,
	stride: i32,
	side: i32,
	rects: usize,
	out: usize,
): void {
	const scale: f32 = 1.0 / ((side * side * 3) as f32);
	const windowBytes: usize = pitch * side;
	let left = 0;
	let right = side;
	let top = 0;
	let bottom = side;
	for (let row = 0; row < rows; row++) {
		for (let col = 0; col < cols; col++) {
			if (rects) {
				left = load<u8>(rects) as i32;
				right = load<u8>(rects, 1) as i32;
				top = load<u8>(rects, 2) as i32;
				bottom = load<u8>(rects, 3) as i32;
				rects += 4;
			}
			const bytes: usize = max(0, 3 * (right - left));
			const whole: usize = bytes & ~15;
			const tailMask = maskOfFirst((bytes & 15) as i32);
			let current: usize = frame + (row * stride + top) * frameStride + (col * stride + left) * 3;
			let reference: usize = references + (row * cols + col) * windowBytes + top * pitch + left * 3;
			let sum = i32x4.splat(0);
			if (whole == 80) {
				// Windows of 31 pixels, as most are: a loop would take a third longer.
				for (let y = top; y < bottom; y++) {
					const a = i16x8.add(difference(current, reference), difference(current + 16, reference + 16));
					const b = i16x8.add(difference(current + 32, reference + 32), difference(current + 48, reference + 48));
					const last = maskedDifference(current + 80, reference + 80, tailMask);
					const c = i16x8.add(difference(current + 64, reference + 64), last);
					sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(i16x8.add(i16x8.add(a, b), c)));
					current += frameStride;
					reference += pitch;
				}
			} else {
				for (let y = top; y < bottom; y++) {
					let rowSum = maskedDifference(current + whole, reference + whole, tailMask);
					for (let x: usize = 0; x < whole; x += 16) rowSum = i16x8.add(rowSum, difference(current + x, reference + x));
					sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(rowSum));
					current += frameStride;
					reference += pitch;
				}
			}
			const total =
				i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) + i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3);
			store<f32>(out, (total as f32) * scale);
			out += 4;
		}
	}
}

/**
 * Copies the windows of `tokens[0..count)` (i32 indices) from the frame over their references, in whole vectors:
 * the few bytes beyond a window's row are masked when they are compared.
 */
export function remember(
	frame: usize,
	frameStride: usize,
	references: usize,
	pitch: usize,
	cols: i32,
	stride: i32,
	side: i32,
	tokens: usize,
	count: i32,
): void {
	for (let i = 0; i < count; i++) {
		const token = load<i32>(tokens + 4 * i);
		let from: usize = frame + ((token / cols) * stride) * frameStride + (token % cols) * stride * 3;
		let to: usize = references + (token as usize) * pitch * side;
		for (let y = 0; y < side; y++) {
			for (let x: usize = 0; x < pitch; x += 16) v128.store(to + x, v128.load(from + x));
			from += frameStride;
			to += pitch;
		}
	}
}

/**
 * Normalised windows of `tokens[0..count)`, planar, float32: [count, 3, side, side] at `out`. Pixels outside
 * the picture, which are the padded frame's from (left, top) up to (right, bottom), are 0 after normalisation.
 * table: three times 256 float32, the normalised value of each byte per channel.
 */
export function gatherWindows(
	frame: usize,
	frameStride: usize,
	cols: i32,
	stride: i32,
	side: i32,
	left: i32,
	right: i32,
	top: i32,
	bottom: i32,
	tokens: usize,
	count: i32,
	table: usize,
	out: usize,
): void {
	const plane: usize = side * side * 4;
	for (let i = 0; i < count; i++) {
		const token = load<i32>(tokens + 4 * i);
		const startRow = (token / cols) * stride;
		const startCol = (token % cols) * stride;
		const firstRow = max(0, top - startRow);
		const lastRow = min(side, bottom - startRow);
		const firstCol = max(0, left - startCol);
		const lastCol = min(side, right - startCol);
		if (firstRow > 0 || firstCol > 0 || lastRow < side || lastCol < side) memory.fill(out, 0, 3 * plane);
		for (let y = firstRow; y < lastRow; y++) {
			let from: usize = frame + (startRow + y) * frameStride + (startCol + firstCol) * 3;
			let to: usize = out + (y * side + firstCol) * 4;
			for (let x = firstCol; x < lastCol; x++) {
				store<f32>(to, load<f32>(table + ((load<u8>(from) as usize) << 2)));
				store<f32>(to + plane, load<f32>(table + 1024 + ((load<u8>(from + 1) as usize) << 2)));
				store<f32>(to + 2 * plane, load<f32>(table + 2048 + ((load<u8>(from + 2) as usize) << 2)));
				from += 3;
				to += 4;
			}
		}
		out += 3 * plane;
	}
}

/** The whole picture normalised, planar, float32: [3, height, width] at `out`. */
export function planar(
	frame: usize,
	frameStride: usize,
	pad: i32,
	width: i32,
	height: i32,
	table: usize,
	out: usize,
): void {
	const plane: usize = width * height * 4;
	for (let y = 0; y < height; y++) {
		let from: usize = frame + (pad + y) * frameStride + pad * 3;
		for (let x = 0; x < width; x++) {
			store<f32>(out, load<f32>(table + ((load<u8>(from) as usize) << 2)));
			store<f32>(out + plane, load<f32>(table + 1024 + ((load<u8>(from + 1) as usize) << 2)));
			store<f32>(out + 2 * plane, load<f32>(table + 2048 + ((load<u8>(from + 2) as usize) << 2)));
			from += 3;
			out += 4;
		}
	}
}

/** Eight sums of two neighbouring bytes' absolute differences. */
// @ts-ignore: decorator
@inline
function difference(a: usize, b: usize): v128 {
	return absoluteDifference(v128.load(a), v128.load(b));
}

/** As `difference`, of the bytes that `mask` has set. */
// @ts-ignore: decorator
@inline
function maskedDifference(a: usize, b: usize, mask: v128): v128 {
	return absoluteDifference(v128.and(v128.load(a), mask), v128.and(v128.load(b), mask));
}

// @ts-ignore: decorator
@inline
function absoluteDifference(a: v128, b: v128): v128 {
	return i16x8.extadd_pairwise_i8x16_u(i8x16.sub(i8x16.max_u(a, b), i8x16.min_u(a, b)));
}

/** 16 bytes of which the first `count` are set. */
// @ts-ignore: decorator
@inline
function maskOfFirst(count: i32): v128 {
	const places = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	return i8x16.lt_u(places, i8x16.splat(count as i8));
}

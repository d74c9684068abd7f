// AssemblyScript: the loops over pixels of registration, compiled to WebAssembly with SIMD. All arguments are byte addresses
// and counts; memory is laid out by registration.ts. Pictures are bytes of luma. Nothing here allocates.

/** A picture of half the size: means of 2 × 2 pixels. Reads and writes whole vectors: rows have room for them. */
export function halve(from: usize, fromStride: usize, rows: i32, cols: i32, to: usize, toStride: usize): void {
	const two = i16x8.splat(2);
	for (let row = 0; row < rows; row++) {
		const upper: usize = from + 2 * row * fromStride;
		const lower: usize = upper + fromStride;
		const out: usize = to + row * toStride;
		for (let col: usize = 0; col < (cols as usize); col += 8) {
			const sum = i16x8.add(
				i16x8.extadd_pairwise_i8x16_u(v128.load(upper + 2 * col)),
				i16x8.extadd_pairwise_i8x16_u(v128.load(lower + 2 * col)),
			);
			const mean = i16x8.shr_u(i16x8.add(sum, two), 2);
			v128.store64_lane(out + col, i8x16.narrow_i16x8_u(mean, mean), 0);
		}
	}
}

/**
 * Sums of absolute differences between a reference and a frame that is shifted against it by every whole number of pixels up to
 * `reach` along both axes. frame: the pixel that belongs to the reference's first one where nothing is shifted; at least `reach`
 * pixels lie around. mask: 255 where the reference counts, else 0. Widths are multiples of 16.
 * out: (2 · reach + 1)² u32, rows of shifts from −reach on.
 */
export function shiftedDifferences(
	frame: usize,
	frameStride: usize,
	reference: usize,
	mask: usize,
	stride: usize,
	rows: i32,
	reach: i32,
	out: usize,
): void {
	for (let dy = -reach; dy <= reach; dy++) {
		for (let dx = -reach; dx <= reach; dx++) {
			let sum = i32x4.splat(0);
			for (let row = 0; row < rows; row++) {
				const theirs: usize = frame + (row + dy) * frameStride + dx;
				const ours: usize = row * stride;
				let rowSum = i16x8.splat(0);
				for (let col: usize = 0; col < stride; col += 16) {
					const a = v128.load(theirs + col);
					const b = v128.load(reference + ours + col);
					const difference = v128.and(
						i8x16.sub(i8x16.max_u(a, b), i8x16.min_u(a, b)),
						v128.load(mask + ours + col),
					);
					rowSum = i16x8.add(rowSum, i16x8.extadd_pairwise_i8x16_u(difference));
				}
				sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(rowSum));
			}
			store<u32>(
				out,
				i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) + i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3),
			);
			out += 4;
		}
	}
}

/**
 * For `count` square patches of `size` pixels (4, 8 or 16): what least squares need of the difference between a frame and a
 * reference. places: per patch four f32, where its first pixel lies in the frame (x, y) and in the reference (whole numbers).
 * The frame is interpolated linearly; one pixel before and two behind every patch must lie in it.
 * out: per patch twelve f32, sums over its pixels with f the frame times `gain`, (x, y) its slopes and e = f − reference:
 * x, y, e, xx, xy, yy, xe, ye, ee, f, ff, fe. scratch: 2 · 19 · 20 f32.
 */
export function patchSums(
	frame: usize,
	reference: usize,
	stride: usize,
	size: i32,
	gain: f32,
	places: usize,
	count: i32,
	scratch: usize,
	out: usize,
): void {
	const wide: usize = 4 * (size + 4);
	const across = size + 4;
	const patch: usize = scratch + 19 * 80;
	const half = f32x4.splat(0.5);
	const scale = f32x4.splat(gain);
	for (let i = 0; i < count; i++) {
		const x = load<f32>(places);
		const y = load<f32>(places, 4);
		const left = Mathf.floor(x);
		const top = Mathf.floor(y);
		const fx = f32x4.splat(x - left);
		const fy = f32x4.splat(y - top);
		// One pixel more on every side, interpolated along rows, then along columns.
		let from: usize = frame + ((top as i32) - 1) * stride + ((left as i32) - 1);
		let to: usize = scratch;
		for (let row = 0; row < size + 3; row++) {
			for (let col: usize = 0; col < (across as usize); col += 4) {
				const a = floatsAt(from + col);
				const b = floatsAt(from + col + 1);
				v128.store(to + 4 * col, f32x4.add(a, f32x4.mul(fx, f32x4.sub(b, a))));
			}
			from += stride;
			to += wide;
		}
		for (let at: usize = 0; at < wide * (size + 2); at += 16) {
			const a = v128.load(scratch + at);
			const b = v128.load(scratch + at + wide);
			v128.store(patch + at, f32x4.mul(scale, f32x4.add(a, f32x4.mul(fy, f32x4.sub(b, a)))));
		}

		let sx = f32x4.splat(0);
		let sy = f32x4.splat(0);
		let se = f32x4.splat(0);
		let sxx = f32x4.splat(0);
		let sxy = f32x4.splat(0);
		let syy = f32x4.splat(0);
		let sxe = f32x4.splat(0);
		let sye = f32x4.splat(0);
		let see = f32x4.splat(0);
		let sf = f32x4.splat(0);
		let sff = f32x4.splat(0);
		let sfe = f32x4.splat(0);
		let ours: usize = reference + (load<f32>(places, 12) as usize) * stride + (load<f32>(places, 8) as usize);
		let here: usize = patch + wide + 4;
		for (let row = 0; row < size; row++) {
			for (let col: usize = 0; col < (size as usize); col += 4) {
				const at: usize = here + 4 * col;
				const f = v128.load(at);
				const gx = f32x4.mul(half, f32x4.sub(v128.load(at + 4), v128.load(at - 4)));
				const gy = f32x4.mul(half, f32x4.sub(v128.load(at + wide), v128.load(at - wide)));
				const e = f32x4.sub(f, floatsAt(ours + col));
				sx = f32x4.add(sx, gx);
				sy = f32x4.add(sy, gy);
				se = f32x4.add(se, e);
				sxx = f32x4.add(sxx, f32x4.mul(gx, gx));
				sxy = f32x4.add(sxy, f32x4.mul(gx, gy));
				syy = f32x4.add(syy, f32x4.mul(gy, gy));
				sxe = f32x4.add(sxe, f32x4.mul(gx, e));
				sye = f32x4.add(sye, f32x4.mul(gy, e));
				see = f32x4.add(see, f32x4.mul(e, e));
				sf = f32x4.add(sf, f);
				sff = f32x4.add(sff, f32x4.mul(f, f));
				sfe = f32x4.add(sfe, f32x4.mul(f, e));
			}
			ours += stride;
			here += wide;
		}
		store<f32>(out, sumOf(sx));
		store<f32>(out, sumOf(sy), 4);
		store<f32>(out, sumOf(se), 8);
		store<f32>(out, sumOf(sxx), 12);
		store<f32>(out, sumOf(sxy), 16);
		store<f32>(out, sumOf(syy), 20);
		store<f32>(out, sumOf(sxe), 24);
		store<f32>(out, sumOf(sye), 28);
		store<f32>(out, sumOf(see), 32);
		store<f32>(out, sumOf(sf), 36);
		store<f32>(out, sumOf(sff), 40);
		store<f32>(out, sumOf(sfe), 44);
		places += 16;
		out += 48;
	}
}

/**
 * How much there is to register in each of `count` squares of 16 pixels of a reference. places: per square two i32, its first
 * pixel (x, y). out: per square three f32, sums of squares and products of slopes over its inner pixels: xx, xy, yy.
 */
export function slopes(reference: usize, stride: usize, places: usize, count: i32, out: usize): void {
	const half = f32x4.splat(0.5);
	for (let i = 0; i < count; i++) {
		let xx = f32x4.splat(0);
		let xy = f32x4.splat(0);
		let yy = f32x4.splat(0);
		let at: usize = reference + (load<i32>(places, 4) + 1) * stride + load<i32>(places) + 1;
		for (let row = 1; row < 15; row++) {
			for (let col: usize = 0; col < 12; col += 4) {
				const gx = f32x4.mul(half, f32x4.sub(floatsAt(at + col + 1), floatsAt(at + col - 1)));
				const gy = f32x4.mul(half, f32x4.sub(floatsAt(at + col + stride), floatsAt(at + col - stride)));
				xx = f32x4.add(xx, f32x4.mul(gx, gx));
				xy = f32x4.add(xy, f32x4.mul(gx, gy));
				yy = f32x4.add(yy, f32x4.mul(gy, gy));
			}
			at += stride;
		}
		store<f32>(out, sumOf(xx));
		store<f32>(out, sumOf(xy), 4);
		store<f32>(out, sumOf(yy), 8);
		places += 8;
		out += 12;
	}
}

/** Four neighbouring bytes as numbers. */
// @ts-ignore: decorator
@inline
function floatsAt(at: usize): v128 {
	return f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at))));
}

// @ts-ignore: decorator
@inline
function sumOf(v: v128): f32 {
	return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3);
}

/**
 * Puts `count` squares of 16 × 16 bytes, one behind the other, into a reference and its pictures of half, quarter and eighth size.
 * places: per square two i32, its column and row of squares. mask: of the eighth, set to 255 there.
 */
export function putSquares(
	squares: usize,
	places: usize,
	count: i32,
	whole: usize,
	wholeStride: usize,
	half: usize,
	halfStride: usize,
	quarter: usize,
	quarterStride: usize,
	eighth: usize,
	mask: usize,
	eighthStride: usize,
): void {
	for (let i = 0; i < count; i++) {
		const col = load<i32>(places);
		const row = load<i32>(places, 4);
		const to: usize = whole + 16 * row * wholeStride + 16 * col;
		for (let y = 0; y < 16; y++) v128.store(to + y * wholeStride, v128.load(squares + 16 * y));
		halveSquare(to, wholeStride, 8, half + 8 * row * halfStride + 8 * col, halfStride);
		halveSquare(half + 8 * row * halfStride + 8 * col, halfStride, 4, quarter + 4 * row * quarterStride + 4 * col, quarterStride);
		const last: usize = 2 * row * eighthStride + 2 * col;
		halveSquare(quarter + 4 * row * quarterStride + 4 * col, quarterStride, 2, eighth + last, eighthStride);
		store<u16>(mask + last, 0xffff);
		store<u16>(mask + last + eighthStride, 0xffff);
		squares += 256;
		places += 8;
	}
}

// @ts-ignore: decorator
@inline
function halveSquare(from: usize, fromStride: usize, size: i32, to: usize, toStride: usize): void {
	for (let y = 0; y < size; y++) {
		const upper: usize = from + 2 * y * fromStride;
		const lower: usize = upper + fromStride;
		for (let x = 0; x < size; x++) {
			const sum =
				(load<u8>(upper + 2 * x) as i32) +
				(load<u8>(upper + 2 * x + 1) as i32) +
				(load<u8>(lower + 2 * x) as i32) +
				(load<u8>(lower + 2 * x + 1) as i32);
			store<u8>(to + y * toStride + x, ((sum + 2) >> 2) as u8);
		}
	}
}

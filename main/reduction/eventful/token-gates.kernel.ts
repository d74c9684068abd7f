// AssemblyScript: the loops over tokens that the eventful method runs beside its matrices, compiled to WebAssembly with
// SIMD. Arguments are byte addresses, counts and strides (in floats); memory is laid out by gate-memory.ts. Nothing here
// allocates.

let mean: f32 = 0;
let scale: f32 = 0;

/**
 * Compares all tokens with their references. out = x + added (skipped where `added` is 0); c = layer norm of it where `gamma` is not 0,
 * else itself; norms[token] = |c − reference|. With `store`, c becomes the reference.
 */
export function gate(
	x: usize,
	added: usize,
	out: usize,
	reference: usize,
	gamma: usize,
	beta: usize,
	epsilon: f32,
	tokens: i32,
	dim: i32,
	norms: usize,
	store: bool,
): void {
	const rowBytes: usize = (<usize>dim) << 2;
	for (let token = 0; token < tokens; token++) {
		let row = x;
		if (added) {
			addRow(x, added, out, rowBytes);
			row = out;
			added += rowBytes;
			out += rowBytes;
		}
		if (gamma) measure(row, dim, epsilon);
		f32.store(norms, sqrt<f32>(difference(row, reference, gamma, beta, rowBytes, store)));
		norms += 4;
		x += rowBytes;
		reference += rowBytes;
	}
}

/** Rows of `indices[0..count)` as their gate sees them, into `rows` and over their references. */
export function take(
	x: usize,
	reference: usize,
	gamma: usize,
	beta: usize,
	epsilon: f32,
	dim: i32,
	indices: usize,
	count: i32,
	rows: usize,
): void {
	const rowBytes: usize = (<usize>dim) << 2;
	for (let i = 0; i < count; i++) {
		const at = (<usize>load<i32>(indices + ((<usize>i) << 2))) * rowBytes;
		if (gamma) {
			measure(x + at, dim, epsilon);
			normalise(x + at, gamma, beta, rows, rowBytes);
		} else {
			copyRow(x + at, rows, rowBytes);
		}
		copyRow(rows, reference + at, rowBytes);
		rows += rowBytes;
	}
}

/**
 * As `gate`, for tokens stored head by head, `width` floats each: a token's first head begins `starts[token]` floats behind x,
 * the next ones `headStride` floats apart.
 */
export function gateHeads(
	x: usize,
	starts: usize,
	headStride: i32,
	heads: i32,
	width: i32,
	reference: usize,
	tokens: i32,
	dim: i32,
	norms: usize,
	store: bool,
): void {
	const bytes: usize = (<usize>width) << 2;
	for (let token = 0; token < tokens; token++) {
		let row = x + ((<usize>load<i32>(starts + ((<usize>token) << 2))) << 2);
		let sum: f32 = 0;
		for (let head = 0; head < heads; head++) {
			sum += difference(row, reference + (<usize>head) * bytes, 0, 0, bytes, store);
			row += (<usize>headStride) << 2;
		}
		f32.store(norms, sqrt<f32>(sum));
		norms += 4;
		reference += (<usize>dim) << 2;
	}
}

/** As `take`, for tokens stored as in `gateHeads`. */
export function takeHeads(
	x: usize,
	starts: usize,
	headStride: i32,
	heads: i32,
	width: i32,
	reference: usize,
	dim: i32,
	indices: usize,
	count: i32,
	rows: usize,
): void {
	const bytes: usize = (<usize>width) << 2;
	const rowBytes: usize = (<usize>dim) << 2;
	for (let i = 0; i < count; i++) {
		const token: usize = load<i32>(indices + ((<usize>i) << 2));
		let row = x + ((<usize>load<i32>(starts + (token << 2))) << 2);
		for (let head = 0; head < heads; head++) {
			copyRow(row, rows + (<usize>head) * bytes, bytes);
			row += (<usize>headStride) << 2;
		}
		copyRow(rows, reference + token * rowBytes, rowBytes);
		rows += rowBytes;
	}
}

/**
 * Copies rows of `width` floats, one per head, between packed row i and sparse row indices[i], i in 0..count; negative
 * indices are skipped. With `scatter` from packed to sparse, otherwise from sparse to packed.
 */
export function copyRows(
	packed: usize,
	packedRow: i32,
	packedHead: i32,
	sparse: usize,
	sparseRow: i32,
	sparseHead: i32,
	width: i32,
	heads: i32,
	indices: usize,
	count: i32,
	scatter: bool,
): void {
	const bytes: usize = (<usize>width) << 2;
	for (let i = 0; i < count; i++) {
		const index = load<i32>(indices + ((<usize>i) << 2));
		if (index < 0) continue;
		let near = packed + (((<usize>i) * (<usize>packedRow)) << 2);
		let far = sparse + (((<usize>index) * (<usize>sparseRow)) << 2);
		for (let head = 0; head < heads; head++) {
			if (scatter) copyRow(near, far, bytes);
			else copyRow(far, near, bytes);
			near += (<usize>packedHead) << 2;
			far += (<usize>sparseHead) << 2;
		}
	}
}

/**
 * Means over the cells `indices[0..count)`, into `out` [count, dim]. Windows of `rows` × `cols` follow each other in
 * x [slots, dim]; cells are numbered window by window.
 */
export function poolCells(
	x: usize,
	dim: i32,
	rows: i32,
	cols: i32,
	cellRows: i32,
	cellCols: i32,
	indices: usize,
	count: i32,
	out: usize,
): void {
	const across = cols / cellCols;
	const cells = across * (rows / cellRows);
	const weight: f32 = (1.0 as f32) / ((cellRows * cellCols) as f32);
	for (let i = 0; i < count; i++) {
		const index = load<i32>(indices + ((<usize>i) << 2));
		const cell = index % cells;
		const first = (index / cells) * rows * cols + (cell / across) * cellRows * cols + (cell % across) * cellCols;
		for (let c = 0; c < dim; c++) {
			let sum: f32 = 0;
			for (let y = 0; y < cellRows; y++) {
				for (let z = 0; z < cellCols; z++) {
					sum += load<f32>(x + ((<usize>((first + y * cols + z) * dim + c)) << 2));
				}
			}
			store<f32>(out, sum * weight);
			out += 4;
		}
	}
}

/** out = a + b, `floats` numbers. */
export function add(a: usize, b: usize, out: usize, floats: i32): void {
	addRow(a, b, out, (<usize>floats) << 2);
}

/** As memory.copy, whose call costs more than a row of a head takes. */
// @ts-ignore: decorator
@inline
function copyRow(from: usize, to: usize, bytes: usize): void {
	const whole = bytes & ~15;
	let at: usize = 0;
	for (; at < whole; at += 16) v128.store(to + at, v128.load(from + at));
	for (; at < bytes; at += 4) f32.store(to + at, f32.load(from + at));
}

// @ts-ignore: decorator
@inline
function addRow(a: usize, b: usize, out: usize, bytes: usize): void {
	const whole = bytes & ~15;
	let at: usize = 0;
	for (; at < whole; at += 16) v128.store(out + at, f32x4.add(v128.load(a + at), v128.load(b + at)));
	for (; at < bytes; at += 4) f32.store(out + at, f32.load(a + at) + f32.load(b + at));
}

/** Sets `mean` and `scale` = 1 / sqrt(variance + epsilon) of a row. Four sums at once hide the latency of additions. */
// @ts-ignore: decorator
@inline
function measure(row: usize, dim: i32, epsilon: f32): void {
	const bytes: usize = (<usize>dim) << 2;
	const whole = bytes & ~63;
	let a = f32x4.splat(0);
	let b = f32x4.splat(0);
	let c = f32x4.splat(0);
	let d = f32x4.splat(0);
	let at: usize = 0;
	for (; at < whole; at += 64) {
		a = f32x4.add(a, v128.load(row + at));
		b = f32x4.add(b, v128.load(row + at, 16));
		c = f32x4.add(c, v128.load(row + at, 32));
		d = f32x4.add(d, v128.load(row + at, 48));
	}
	let sum = total(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
	for (; at < bytes; at += 4) sum += f32.load(row + at);
	mean = sum / (dim as f32);
	const middle = f32x4.splat(mean);
	a = f32x4.splat(0);
	b = a;
	c = a;
	d = a;
	for (at = 0; at < whole; at += 64) {
		a = addSquare(a, f32x4.sub(v128.load(row + at), middle));
		b = addSquare(b, f32x4.sub(v128.load(row + at, 16), middle));
		c = addSquare(c, f32x4.sub(v128.load(row + at, 32), middle));
		d = addSquare(d, f32x4.sub(v128.load(row + at, 48), middle));
	}
	sum = total(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
	for (; at < bytes; at += 4) {
		const e = f32.load(row + at) - mean;
		sum += e * e;
	}
	scale = (1.0 as f32) / sqrt<f32>(sum / (dim as f32) + epsilon);
}

/** Σ (c − reference)², c being the row, normalised where `gamma` is not 0; with `store`, c becomes the reference. */
// @ts-ignore: decorator
@inline
function difference(row: usize, reference: usize, gamma: usize, beta: usize, bytes: usize, store: bool): f32 {
	const whole = bytes & ~31;
	const middle = f32x4.splat(mean);
	const factor = f32x4.splat(scale);
	let a = f32x4.splat(0);
	let b = f32x4.splat(0);
	let at: usize = 0;
	for (; at < whole; at += 32) {
		let first = v128.load(row + at);
		let second = v128.load(row + at, 16);
		if (gamma) {
			first = f32x4.mul(f32x4.mul(f32x4.sub(first, middle), factor), v128.load(gamma + at));
			second = f32x4.mul(f32x4.mul(f32x4.sub(second, middle), factor), v128.load(gamma + at, 16));
			first = f32x4.add(first, v128.load(beta + at));
			second = f32x4.add(second, v128.load(beta + at, 16));
		}
		a = addSquare(a, f32x4.sub(first, v128.load(reference + at)));
		b = addSquare(b, f32x4.sub(second, v128.load(reference + at, 16)));
		if (store) {
			v128.store(reference + at, first);
			v128.store(reference + at, second, 16);
		}
	}
	let sum = total(f32x4.add(a, b));
	for (; at < bytes; at += 4) {
		let value = f32.load(row + at);
		if (gamma) value = (value - mean) * scale * f32.load(gamma + at) + f32.load(beta + at);
		const e = value - f32.load(reference + at);
		sum += e * e;
		if (store) f32.store(reference + at, value);
	}
	return sum;
}

// @ts-ignore: decorator
@inline
function normalise(row: usize, gamma: usize, beta: usize, out: usize, bytes: usize): void {
	const whole = bytes & ~15;
	const middle = f32x4.splat(mean);
	const factor = f32x4.splat(scale);
	let at: usize = 0;
	for (; at < whole; at += 16) {
		const unit = f32x4.mul(f32x4.sub(v128.load(row + at), middle), factor);
		v128.store(out + at, f32x4.add(f32x4.mul(unit, v128.load(gamma + at)), v128.load(beta + at)));
	}
	for (; at < bytes; at += 4) {
		f32.store(out + at, (f32.load(row + at) - mean) * scale * f32.load(gamma + at) + f32.load(beta + at));
	}
}

// @ts-ignore: decorator
@inline
function addSquare(sum: v128, x: v128): v128 {
	return f32x4.add(sum, f32x4.mul(x, x));
}

// @ts-ignore: decorator
@inline
function total(x: v128): f32 {
	return (
		f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
	);
}

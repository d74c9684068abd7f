/**
 * The n-th largest of `values` (n from 1 to their number), which are left in another order. Quickselect (Hoare, 1961): sorting
 * them all would take several times as long, and gates ask dozens of times in a frame.
 */
export function nthLargest(values: Float32Array | Float64Array, n: number): number {
	const wanted = n - 1;
	let first = 0;
	let last = values.length - 1;
	while (first < last) {
		const pivot = values[(first + last) >> 1]!;
		let i = first;
		let j = last;
		while (i <= j) {
			while (values[i]! > pivot) i++;
			while (values[j]! < pivot) j--;
			if (i > j) break;
			const value = values[i]!;
			values[i++] = values[j]!;
			values[j--] = value;
		}
		// Now first..j hold what is no smaller than the pivot, i..last what is no larger; between them stands the pivot.
		if (wanted <= j) last = j;
		else if (wanted >= i) first = i;
		else return pivot;
	}
	return values[wanted]!;
}

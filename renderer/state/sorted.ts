/** Index of the last of the first `length` ascending values that is not above `value`; -1 if there is none. */
export function lastUpTo(ascending: ArrayLike<number>, value: number, length = ascending.length): number {
	let low = 0;
	let high = length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (ascending[middle]! <= value) low = middle + 1;
		else high = middle;
	}
	return low - 1;
}

/** The first of the numbers 0 to `count` − 1 from which on `holds` is true; `count` where it never is. O(log count). */
export function firstIndex(count: number, holds: (i: number) => boolean): number {
	let low = 0;
	let high = count;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (holds(middle)) high = middle;
		else low = middle + 1;
	}
	return low;
}

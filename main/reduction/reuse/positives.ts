/** The positive ones of `values`, in their order, at the beginning of `room`, which is as long. A loop: `filter` takes several times as long. */
export function positives(values: Float64Array, room: Float64Array): Float64Array {
	let count = 0;
	for (let i = 0; i < values.length; i++) if (values[i]! > 0) room[count++] = values[i]!;
	return room.subarray(0, count);
}

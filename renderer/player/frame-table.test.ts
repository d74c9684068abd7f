import { describe, expect, it } from 'vitest';
import { FrameTable } from './frame-table.ts';

/** A complete table of packets in the order of decoding; a time with `k` begins at a key frame. */
function tableOf(packets: (number | `${number}k`)[], discardBefore?: number): FrameTable {
	const table = new FrameTable(discardBefore);
	for (const packet of packets) table.add(Number.parseFloat(String(packet)), String(packet).endsWith('k'));
	table.finish();
	return table;
}

const times = (table: FrameTable) => Array.from({ length: table.known }, (_, i) => table.seconds(i));
const even = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i * 0.04);

describe('the order of frames', () => {
	it.each([
		['as they come, where nothing is reordered', ['0k', 1, 2] as const, [0, 1, 2]],
		['by their times, where B-frames come late', ['0k', 4, 2, 1, 3, 5] as const, [0, 1, 2, 3, 4, 5]],
		[
			'over key frames, where leading frames are shown first',
			['0k', 3, '6k', 4, 5] as const,
			[0, 3, 4, 5, 6],
		],
	])('is %s', (_, packets, expected) => {
		expect(times(tableOf([...packets]))).toEqual(expected);
	});

	it('leaves out what an edit list cut off, and says so', () => {
		const table = tableOf(['-0.08k', -0.04, 0, 0.04], 0);
		expect(times(table)).toEqual([0, 0.04]);
		expect(table.isDoubtful).toBe(true);
		expect(tableOf(['0k', 1]).isDoubtful).toBe(false);
	});

	it('holds back the frames that a later packet may still come before', () => {
		const table = new FrameTable();
		for (const seconds of even(40)) table.add(seconds, false);
		expect(table.known).toBe(24);
		table.finish();
		expect(table.known).toBe(40);
	});
});

describe('places', () => {
	const table = tableOf(['1k', 1.04, 1.5, '2k', 2.04]);

	it.each([
		[0, 0],
		[1, 0],
		[1.039, 0],
		[1.04, 1],
		[1.49, 1],
		[1.5, 2],
		[99, 4],
	])('at %f s frame %i is due', (seconds, index) => {
		expect(table.indexAt(seconds)).toBe(index);
	});

	it.each([
		[1.04, 1],
		[1.04 + 1e-9, 1],
		[1.04 - 1e-9, 1],
		[1.041, -1],
		[0.5, -1],
	])('of a frame at %f s: %i', (seconds, index) => {
		expect(table.indexOf(seconds)).toBe(index);
	});

	it.each([
		[0, 0],
		[2, 0],
		[3, 3],
		[4, 3],
	])('for frame %i decoding starts at %i', (index, key) => {
		expect(table.keyBefore(index)).toBe(key);
	});

	it.each([
		[0, 0.04],
		[2, 0.46],
		[3, 0.04],
	])('frame %i is %f s away from its nearer neighbour', (index, gap) => {
		expect(table.gapAround(index)).toBeCloseTo(gap, 9);
	});

	it('are none while nothing is known', () => {
		expect(new FrameTable().indexAt(1)).toBe(-1);
		expect(new FrameTable().interval).toBeNull();
	});
});

describe('agreement with the host', () => {
	it.each([
		['the same times', even(50), even(50), { offsetSeconds: 0, dropped: 0 }],
		['another clock', even(50), even(50, 1.4), { offsetSeconds: 1.4, dropped: 0 }],
		['frames cut off at the start', even(50), even(30, 0.8), { offsetSeconds: 0, dropped: 20 }],
		['frames cut off at the end', even(50), even(45), { offsetSeconds: 0, dropped: 5 }],
		['a frame too many', even(50), even(51), null],
		['a frame missing in the middle', even(50), even(50).toSpliced(20, 1), null],
		['a frame at another time', even(50), even(50).with(20, 0.815), null],
		['fewer frames on another clock: nobody can tell which', even(50), even(40, 1.4), null],
		['no frames', even(50), [], null],
	])('%s', (_, packets, host, expected) => {
		const agreement = tableOf([...packets]).agreeWith(host);
		if (expected === null) expect(agreement).toBeNull();
		else {
			expect(agreement?.dropped).toBe(expected.dropped);
			expect(agreement?.offsetSeconds).toBeCloseTo(expected.offsetSeconds, 9);
		}
	});

	it('leaves the frames that the host has', () => {
		const table = tableOf(['0k', ...even(11, 0.04), '0.48k', ...even(5, 0.52)]);
		table.agreeWith(even(10, 0.2));
		expect(table.known).toBe(10);
		expect(table.seconds(0)).toBeCloseTo(0.2, 9);
		expect(table.keyBefore(9)).toBe(7);
	});

	it('is refused where two frames share a time', () => {
		expect(tableOf(['0k', 1, 1, 2]).agreeWith([0, 1, 1, 2])).toBeNull();
	});
});

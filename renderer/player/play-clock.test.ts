import { describe, expect, it } from 'vitest';
import { advanceClock, type PlayPace, type Timeline } from './play-clock.ts';

function timeline(seconds: number[], complete = true): Timeline {
	return {
		known: seconds.length,
		complete,
		interval: (seconds.at(-1)! - seconds[0]!) / (seconds.length - 1),
		seconds: (index) => seconds[index]!,
		indexAt: (at) =>
			Math.max(
				0,
				seconds.findLastIndex((s) => s <= at + 1e-6),
			),
	};
}

const even = (count: number, rate = 25) => timeline(Array.from({ length: count }, (_, i) => i / rate));

/** Plays with ticks of `tickMs` until it ends or `ticks` are over; a frame is painted `lag` ticks after it was due. */
function play(
	line: Timeline,
	pace: Partial<PlayPace>,
	{ from = 0, tickMs = 1000 / 60, ticks = 1000, lag = 0 } = {},
): number[] {
	const painted = [from];
	let decoding: { frame: number; left: number } | null = null;
	let clockSeconds = line.seconds(from);
	for (let i = 0; i < ticks; i++) {
		const shown = painted.at(-1)!;
		const full = { elapsedMs: tickMs, rate: 1, first: 0, last: line.known - 1, loop: false, ...pace };
		const tick = advanceClock(line, { clockSeconds, shown }, full);
		clockSeconds = tick.clockSeconds;
		if (tick.ended) break;
		if (tick.due !== shown) decoding ??= { frame: tick.due, left: lag };
		if (decoding && decoding.left-- === 0) {
			painted.push(decoding.frame);
			decoding = null;
		}
	}
	return painted;
}

const counting = (from: number, to: number) =>
	Array.from({ length: Math.abs(to - from) + 1 }, (_, i) => from + i * Math.sign(to - from));

describe('no frame is left out', () => {
	it.each([
		['at 1×', even(50), { rate: 1 }, {}, counting(0, 49)],
		['at 0.25×', even(10), { rate: 0.25 }, {}, counting(0, 9)],
		['at 2×, as each still stays for 20 ms', even(50), { rate: 2 }, {}, counting(0, 49)],
		['backwards', even(50), { rate: -1 }, { from: 49 }, counting(49, 0)],
		['on a page that ticks no faster than the clip', even(50), { rate: 1 }, { tickMs: 40 }, counting(0, 49)],
		['where pictures come a little late', even(50), { rate: 1 }, { lag: 1 }, counting(0, 49)],
		['at uneven times', timeline([0, 0.04, 0.5, 0.52, 1]), { rate: 1 }, {}, counting(0, 4)],
	])('%s', (_, line, pace, conditions, expected) => {
		expect(play(line, pace, conditions)).toEqual(expected);
	});
});

describe('frames are dropped', () => {
	it.each([
		['at 8×', even(400), { rate: 8 }, {}],
		['at 1× of a clip with 240 frames a second', even(400, 240), { rate: 1 }, {}],
		['backwards at 8×', even(400), { rate: -8 }, { from: 399 }],
		['at 1× where each takes a tenth of a second to decode', even(400), { rate: 1 }, { lag: 5, ticks: 2000 }],
	])('rather than late %s, and the last one is shown', (_, line, pace, conditions) => {
		const painted = play(line, pace, conditions);
		expect(painted.length).toBeLessThan(200);
		expect(painted.at(-1)).toBe(pace.rate > 0 ? 399 : 0);
		const steps = painted.slice(1).map((frame, i) => (frame - painted[i]!) * Math.sign(pace.rate));
		expect(Math.min(...steps)).toBeGreaterThan(0);
	});

	it('takes as long as the clip does', () => {
		const ticks = play(even(401), { rate: 8 }).length;
		// 16 s at 8× are 2 s, or 120 ticks.
		expect(ticks).toBeGreaterThan(115);
		expect(ticks).toBeLessThan(125);
	});
});

describe('the clock', () => {
	const at = (seconds: number, shown: number, pace: Partial<PlayPace> = {}, line = even(100)) =>
		advanceClock(
			line,
			{ clockSeconds: seconds, shown },
			{ elapsedMs: 10, rate: 1, first: 0, last: line.known - 1, loop: false, ...pace },
		);

	it('does not count a time in which the page was held up', () => {
		expect(at(1, 25, { elapsedMs: 60_000 }).clockSeconds).toBeCloseTo(1.1, 9);
	});

	it('waits for a decoder that cannot keep up', () => {
		expect(at(3, 25).clockSeconds).toBeCloseTo(2, 9);
		expect(at(1, 75, { rate: -1 }).clockSeconds).toBeCloseTo(2, 9);
	});

	it('jumps over what it is late for by more than half a second', () => {
		expect(at(1.4, 25).due).toBe(26);
		expect(at(1.8, 25).due).toBe(45);
	});

	it('starts over in a range, and ends without one', () => {
		const range = { first: 10, last: 20, loop: true };
		expect(at(0.839, 20, range)).toEqual({ clockSeconds: 0.4, due: 10, ended: false });
		expect(at(0.401, 10, { ...range, rate: -1 })).toEqual({ clockSeconds: 0.8, due: 20, ended: false });
		expect(at(0.839, 20, { ...range, loop: false })).toMatchObject({ due: 20, ended: true });
	});

	it('paints the last frame of a range before it starts over', () => {
		expect(at(0.839, 19, { first: 10, last: 20, loop: true })).toMatchObject({ due: 20, ended: false });
	});

	it('waits at the last frame while more may become known', () => {
		const growing = timeline([0, 0.04, 0.08], false);
		expect(at(0.2, 2, {}, growing)).toMatchObject({ due: 2, ended: false });
	});
});

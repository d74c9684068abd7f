/**
 * The part of a video that a chart shows, in frames: `[from, to]`, fractions allowed; `to > from`. A frame extends half
 * a frame to either side of its index.
 */
export type FrameWindow = { from: number; to: number };

/** Fewest frames across the chart. */
const FEWEST_FRAMES = 8;

/** All of a video with `frameCount` frames. */
export function wholeWindow(frameCount: number): FrameWindow {
	return { from: -0.5, to: Math.max(frameCount, FEWEST_FRAMES) - 0.5 };
}

/** Zooms `window`, keeping the frame at `at` (0 = left edge, 1 = right) in place; `factor` below 1 zooms in. */
export function zoomed(window: FrameWindow, at: number, factor: number, frameCount: number): FrameWindow {
	const whole = wholeWindow(frameCount);
	const span = window.to - window.from;
	const wanted = Math.min(Math.max(span * factor, FEWEST_FRAMES), whole.to - whole.from);
	const anchor = window.from + at * span;
	return within({ from: anchor - at * wanted, to: anchor + (1 - at) * wanted }, frameCount);
}

/** `window` moved by `frames`, within the video. */
export function panned(window: FrameWindow, frames: number, frameCount: number): FrameWindow {
	return within({ from: window.from + frames, to: window.to + frames }, frameCount);
}

function within(window: FrameWindow, frameCount: number): FrameWindow {
	const whole = wholeWindow(frameCount);
	const span = window.to - window.from;
	const from = Math.min(Math.max(window.from, whole.from), whole.to - span);
	return { from, to: from + span };
}

/** The x position of a frame on `width` pixels. */
export function frameToX(window: FrameWindow, frame: number, width: number): number {
	return ((frame - window.from) / (window.to - window.from)) * width;
}

/** The nearest frame under a pixel, within the video. */
export function xToFrame(window: FrameWindow, x: number, width: number, frameCount: number): number {
	const frame = Math.round(window.from + (x / width) * (window.to - window.from));
	return Math.min(Math.max(frame, 0), Math.max(frameCount - 1, 0));
}

/** Steps between time labels that are easy to read, in seconds. */
const TIME_STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400];

/** Round times in `[from, to]`, at most `most` of them. */
export function timeTicks(from: number, to: number, most: number): number[] {
	const step =
		TIME_STEPS.find((candidate) => (to - from) / candidate <= most) ??
		Math.ceil((to - from) / most / 3600) * 3600;
	const ticks: number[] = [];
	for (let n = Math.ceil(from / step); n * step <= to; n++) ticks.push(n * step);
	return ticks;
}

/** The smallest of 1, 2, 2.5, 5 × 10ⁿ that is not below `value`; 1 for 0. */
export function roundUp(value: number): number {
	if (!(value > 0)) return 1;
	const power = 10 ** Math.floor(Math.log10(value));
	const factor = [1, 2, 2.5, 5, 10].find((candidate) => candidate * power >= value * (1 - 1e-9)) ?? 10;
	return factor * power;
}

import type { TruthTimeline } from '../../main/evaluation/truth-frames.ts';
import { TRUTH_LOOKS } from '../player/truth-boxes.ts';
import type { FrameWindow } from './frame-window.ts';
import type { Track } from './timeline-layout.ts';

/** What is right and not, per pixel column: the most of its frames, and their lowest average precision; NaN where nothing is known. */
export type TruthSlots = {
	right: Float64Array;
	wrong: Float64Array;
	missed: Float64Array;
	ap50: Float64Array;
	/** The most of all frames, on either side of the base line. */
	mostRight: number;
	mostFaults: number;
};

/** Samples `window` on `width` pixels; `every` is the distance of analysed frames. */
export function sampleTruth(
	timeline: TruthTimeline,
	window: FrameWindow,
	width: number,
	every: number,
): TruthSlots {
	const column = () => new Float64Array(width).fill(Number.NaN);
	const slots = { right: column(), wrong: column(), missed: column(), ap50: column() };
	const perPixel = (window.to - window.from) / width;
	let [mostRight, mostFaults] = [1, 1];
	for (let i = 0; i < timeline.frameIndices.length; i++) {
		const [right, wrong, missed] = [timeline.right[i]!, timeline.wrong[i]!, timeline.missed[i]!];
		mostRight = Math.max(mostRight, right);
		mostFaults = Math.max(mostFaults, wrong + missed);
		const at = (timeline.frameIndices[i]! - window.from) / perPixel;
		const left = perPixel <= every ? Math.round(at - 0.5 / perPixel) : Math.floor(at);
		const end = Math.min(Math.max(left + 1, Math.round(left + every / perPixel)), width);
		for (let x = Math.max(0, left); x < end; x++) {
			slots.right[x] = larger(slots.right[x]!, right);
			slots.wrong[x] = larger(slots.wrong[x]!, wrong);
			slots.missed[x] = larger(slots.missed[x]!, missed);
			if (!(slots.ap50[x]! <= timeline.ap50[i]!)) slots.ap50[x] = timeline.ap50[i]!;
		}
	}
	return { ...slots, mostRight, mostFaults };
}

function larger(known: number, value: number): number {
	return known >= value ? known : value;
}

/** The share of the height above the base line. */
const ABOVE = 0.5;

/** True boxes stand on a base line, missed and false ones hang from it; the line is average precision, 0 to 1 over the whole height. */
export function paintTruth(
	pen: CanvasRenderingContext2D,
	{ right, wrong, missed, ap50, mostRight, mostFaults }: TruthSlots,
	track: Track,
	line: string,
): void {
	const height = track.bottom - track.top;
	const base = track.top + Math.round(ABOVE * height);
	const up = (base - track.top) / mostRight;
	const down = (track.bottom - base) / mostFaults;
	for (let x = 0; x < right.length; x++) {
		if (Number.isNaN(right[x]!)) continue;
		pen.fillStyle = TRUTH_LOOKS.right.colour;
		pen.fillRect(x, base - right[x]! * up, 1, right[x]! * up);
		pen.fillStyle = TRUTH_LOOKS.missed.colour;
		pen.fillRect(x, base, 1, missed[x]! * down);
		pen.fillStyle = TRUTH_LOOKS.wrong.colour;
		pen.fillRect(x, base + missed[x]! * down, 1, wrong[x]! * down);
	}
	pen.strokeStyle = line;
	pen.lineWidth = 1.5;
	pen.beginPath();
	let drawing = false;
	for (let x = 0; x < ap50.length; x++) {
		if (Number.isNaN(ap50[x]!)) {
			drawing = false;
			continue;
		}
		const y = track.bottom - 1 - ap50[x]! * (height - 2);
		if (drawing) pen.lineTo(x, y);
		else pen.moveTo(x, y);
		drawing = true;
	}
	pen.stroke();
}

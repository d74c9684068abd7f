import { STAGES } from '../../main/domain/cost.ts';
import type { Peaks, Slots } from './run-series.ts';
import { paintTrackRows, type TrackRowScene } from './paint-track-rows.ts';
import { paintTruth, type TruthSlots } from './truth-track.ts';
import type { Track } from './timeline-layout.ts';

export type TimelineColours = {
	cost: string;
	costSoft: string;
	stages: string[];
	budget: string;
	flush: string;
	agreement: string;
	objects: string;
	waiting: string;
	estimate: string;
	band: string;
	line: string;
	muted: string;
	text: string;
};

/** The page's colours for charts, in the current theme. */
export function timelineColours(style: CSSStyleDeclaration): TimelineColours {
	const read = (name: string): string => style.getPropertyValue(name).trim();
	return {
		cost: read('--chart-cost'),
		costSoft: read('--chart-cost-soft'),
		stages: STAGES.map((_, s) => read(`--chart-stage-${s}`)),
		budget: read('--chart-budget'),
		flush: read('--chart-flush'),
		agreement: read('--chart-agreement'),
		objects: read('--chart-objects'),
		waiting: read('--chart-waiting'),
		estimate: read('--chart-estimate'),
		band: read('--chart-band'),
		line: read('--line'),
		muted: read('--text-muted'),
		text: read('--text'),
	};
}

/** Largest value of each track; for agreements, whose scale ends with 1, the least. */
export type Scales = Peaks & { agreementFloor: number; estimateFloor: number };

export type TimelineScene = {
	tracks: readonly Track[];
	slots: Slots;
	/** Runs of the other panes, drawn as lines. */
	others: readonly Slots[];
	scales: Scales;
	denseMacs: number;
	/** Lowest F1 per pixel column; null if nothing was compared. */
	agreement: Float64Array | null;
	/** Null without ground truth. */
	truth: TruthSlots | null;
	/** The agreement that is asked for, 0 to 1. */
	asked: number;
	/** Null if there are no identities. */
	identities: Omit<TrackRowScene, 'ink'> | null;
	/** Pixel columns where settings were changed during the run. */
	changes: readonly number[];
	/** Pixel columns of the time labels. */
	ticks: readonly number[];
	width: number;
	height: number;
};

/** Radius of an audit's dot, in device pixels. */
const DOT = 2.5;

/** Draws everything except what follows the pointer and the play head; coordinates are device pixels. */
export function paintTimeline(
	pen: CanvasRenderingContext2D,
	scene: TimelineScene,
	colours: TimelineColours,
): void {
	pen.clearRect(0, 0, scene.width, scene.height);
	pen.fillStyle = colours.line;
	for (const x of scene.ticks) pen.fillRect(Math.round(x), 0, 1, scene.height);
	for (const track of scene.tracks) {
		pen.fillStyle = colours.line;
		pen.fillRect(0, track.bottom, scene.width, 1);
		pen.save();
		pen.beginPath();
		pen.rect(0, track.top, scene.width, track.bottom - track.top);
		pen.clip();
		if (track.name === 'cost') paintCost(pen, scene, track, colours);
		else if (track.name === 'time') paintTime(pen, scene, track, colours);
		else if (track.name === 'agreement') paintAgreement(pen, scene, track, colours);
		else if (track.name === 'truth') {
			if (scene.truth) paintTruth(pen, scene.truth, track, colours.text);
		} else if (track.name === 'estimate') paintEstimate(pen, scene, track, colours);
		else if (track.name === 'waiting') paintWaiting(pen, scene, track, colours);
		else if (track.name === 'objects') paintObjects(pen, scene, track, colours);
		else if (scene.identities) {
			const strip = { top: track.top, width: scene.width };
			paintTrackRows(pen, { ...scene.identities, ink: colours.text }, strip);
		}
		pen.restore();
	}
}

/** The y position of a value, in pixels from the top. */
function heightOf(track: Track, largest: number): (value: number) => number {
	const scale = (track.bottom - track.top) / largest;
	return (value) => track.bottom - value * scale;
}

function paintCost(
	pen: CanvasRenderingContext2D,
	{ slots, others, scales, denseMacs, changes, width }: TimelineScene,
	track: Track,
	colours: TimelineColours,
): void {
	const y = heightOf(track, scales.macs);
	pen.fillStyle = colours.costSoft;
	bars(pen, slots, track.bottom, (i) => y(slots.macsMax[i]!));
	pen.fillStyle = colours.cost;
	bars(pen, slots, track.bottom, (i) => y(slots.macsMin[i]!));
	pen.strokeStyle = colours.muted;
	pen.lineWidth = 1;
	pen.setLineDash([2, 3]);
	pen.beginPath();
	const dense = Math.round(y(denseMacs)) + 0.5;
	pen.moveTo(0, dense);
	pen.lineTo(width, dense);
	pen.stroke();
	pen.setLineDash([]);
	for (const other of others) {
		pen.strokeStyle = colours.muted;
		line(pen, other, (i) => y(other.macsMax[i]!));
	}
	pen.strokeStyle = colours.budget;
	pen.lineWidth = 1.5;
	line(pen, slots, (i) => y(slots.budget[i]!));
	pen.fillStyle = colours.budget;
	for (const x of changes) {
		pen.fillRect(Math.round(x), track.top, 1, track.bottom - track.top);
		pen.fillRect(Math.round(x) - 2, track.top, 5, 5);
	}
	pen.fillStyle = colours.flush;
	for (let i = 0; i < slots.count; i++) {
		if (!slots.flush[i]) continue;
		const middle = (slots.left[i]! + slots.right[i]!) / 2;
		pen.beginPath();
		pen.moveTo(middle - 3, track.top);
		pen.lineTo(middle + 3, track.top);
		pen.lineTo(middle, track.top + 5);
		pen.fill();
	}
}

function paintTime(
	pen: CanvasRenderingContext2D,
	{ slots, others, scales }: TimelineScene,
	track: Track,
	colours: TimelineColours,
): void {
	const y = heightOf(track, scales.milliseconds);
	pen.fillStyle = colours.stages.at(-1)!;
	for (let i = 0; i < slots.count; i++) {
		const right = Math.max(slots.right[i]!, slots.left[i]! + 1);
		pen.fillRect(slots.left[i]!, y(slots.timeMax[i]!), right - slots.left[i]!, 1);
	}
	const floor = new Float64Array(slots.count);
	STAGES.forEach((_, s) => {
		pen.fillStyle = colours.stages[s]!;
		const means = slots.stages[s]!;
		pen.beginPath();
		for (let i = 0; i < slots.count; i++) {
			const top = floor[i]! + means[i]!;
			rect(pen, slots, i, y(top), y(floor[i]!));
			floor[i] = top;
		}
		pen.fill();
	});
	for (const other of others) {
		pen.strokeStyle = colours.muted;
		pen.lineWidth = 1;
		line(pen, other, (i) => y(other.stages.reduce((sum, means) => sum + means[i]!, 0)));
	}
}

/** Drawn from the top: the deeper, the worse. */
function paintAgreement(
	pen: CanvasRenderingContext2D,
	{ agreement, scales }: TimelineScene,
	track: Track,
	colours: TimelineColours,
): void {
	if (!agreement) return;
	pen.fillStyle = colours.agreement;
	for (let x = 0; x < agreement.length; x++) {
		const f1 = agreement[x]!;
		if (Number.isNaN(f1)) continue;
		const depth = Math.max(1.5, ((1 - f1) / (1 - scales.agreementFloor)) * (track.bottom - track.top));
		pen.fillRect(x, track.top, 1, depth);
	}
}

/** The estimate as a line, its bounds as a band, audits as dots, and what is asked for as a dotted line. */
function paintEstimate(
	pen: CanvasRenderingContext2D,
	{ slots, scales: { estimateFloor }, asked, width }: TimelineScene,
	track: Track,
	colours: TimelineColours,
): void {
	const scale = (track.bottom - track.top - 2 * DOT) / (1 - estimateFloor);
	const y = (f1: number) => track.top + DOT + (1 - Math.max(f1, estimateFloor)) * scale;
	pen.fillStyle = colours.band;
	pen.beginPath();
	for (let i = 0; i < slots.count; i++) {
		const [lower, upper] = [slots.lower[i]!, slots.upper[i]!];
		if (Number.isNaN(lower)) continue;
		const left = Math.round(slots.left[i]!);
		const right = Math.max(Math.round(slots.right[i]!), left + 1);
		pen.rect(left, y(upper), right - left, Math.max(1, y(lower) - y(upper)));
	}
	pen.fill();
	pen.strokeStyle = colours.muted;
	pen.lineWidth = 1;
	pen.setLineDash([2, 3]);
	pen.beginPath();
	pen.moveTo(0, Math.round(y(asked)) + 0.5);
	pen.lineTo(width, Math.round(y(asked)) + 0.5);
	pen.stroke();
	pen.setLineDash([]);
	pen.strokeStyle = colours.estimate;
	pen.lineWidth = 2;
	line(pen, slots, (i) => y(slots.estimate[i]!));
	pen.fillStyle = colours.flush;
	for (let i = 0; i < slots.count; i++) {
		if (Number.isNaN(slots.audit[i]!)) continue;
		pen.beginPath();
		pen.arc((slots.left[i]! + slots.right[i]!) / 2, y(slots.audit[i]!), DOT, 0, 2 * Math.PI);
		pen.fill();
	}
}

/** Tokens that wait as bars, and the longest wait as a line with a scale of its own. */
function paintWaiting(
	pen: CanvasRenderingContext2D,
	{ slots, scales }: TimelineScene,
	track: Track,
	colours: TimelineColours,
): void {
	const tokens = heightOf(track, scales.waiting);
	const frames = heightOf({ ...track, top: track.top + 1 }, scales.wait);
	pen.fillStyle = colours.waiting;
	bars(pen, slots, track.bottom, (i) => tokens(slots.waitingMax[i]!));
	pen.strokeStyle = colours.flush;
	pen.lineWidth = 1;
	line(pen, slots, (i) => frames(slots.waitMax[i]!));
}

function paintObjects(
	pen: CanvasRenderingContext2D,
	{ slots, scales }: TimelineScene,
	track: Track,
	colours: TimelineColours,
): void {
	const y = heightOf(track, scales.detections);
	pen.fillStyle = colours.objects;
	pen.globalAlpha = 0.25;
	bars(pen, slots, track.bottom, (i) => y(slots.detectionsMin[i]!));
	pen.globalAlpha = 1;
	pen.beginPath();
	for (let i = 0; i < slots.count; i++) {
		const top = y(slots.detectionsMax[i]!);
		rect(pen, slots, i, top, Math.max(y(slots.detectionsMin[i]!), top) + 1.5);
	}
	pen.fill();
}

function bars(
	pen: CanvasRenderingContext2D,
	slots: Slots,
	bottom: number,
	top: (slot: number) => number,
): void {
	pen.beginPath();
	for (let i = 0; i < slots.count; i++) rect(pen, slots, i, top(i), bottom);
	pen.fill();
}

/** On whole pixels, so that neighbours neither overlap nor leave gaps. */
function rect(pen: CanvasRenderingContext2D, slots: Slots, i: number, top: number, bottom: number): void {
	const left = Math.round(slots.left[i]!);
	const right = Math.max(Math.round(slots.right[i]!), left + 1);
	// A gap between neighbouring frames if there is space for one.
	const gap = right - left >= 6 ? 1 : 0;
	pen.rect(left, top, right - left - gap, bottom - top);
}

function line(pen: CanvasRenderingContext2D, slots: Slots, y: (slot: number) => number): void {
	pen.beginPath();
	let drawing = false;
	for (let i = 0; i < slots.count; i++) {
		const at = y(i);
		if (Number.isNaN(at)) {
			drawing = false;
			continue;
		}
		if (drawing) pen.lineTo(slots.left[i]!, at);
		else pen.moveTo(slots.left[i]!, at);
		pen.lineTo(slots.right[i]!, at);
		drawing = true;
	}
	pen.stroke();
}

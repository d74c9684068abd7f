import { planRedaction, type RedactionChoice } from '../main/export/redaction/plan.ts';
import type { Box } from '../main/export/redaction/covers.ts';
import { COUNTED } from '../main/evaluation/ground-truth/ground-truth.ts';
import { readGroundTruth } from '../main/evaluation/ground-truth/index.ts';
import { openRun, type StoredRun } from '../main/results/stored-run.ts';

/** How many people of the ground truth can be seen in a redacted clip. Counts are of annotated boxes. */
export type LeakRow = {
	label: string;
	people: number;
	/** Less than half of the box is hidden. */
	visible: number;
	/** Less than half of its upper third is. */
	headVisible: number;
	/** Share of the picture that is hidden though nobody is annotated there, 0 to 1. */
	hiddenBeside: number;
	/** Frames with somebody visible, in runs: how many, and the longest. */
	leaks: number;
	longestLeak: number;
	/** Of the frames with somebody visible, those within a second of a frame that the list names. */
	listed: number;
	frames: number;
};

const DEFAULT = { whom: 'people', also: '', except: '', margin: 0.1, lead: 2, leastScore: 0.2 } as const;
/** What blurring the boxes of each frame alone would hide. */
const EACH_FRAME = { ...DEFAULT, margin: 0, lead: 0, leastScore: 1 };

/** Holds what a redaction of a stored run hides against MOT ground truth of the people in its video. */
export async function benchRedaction(runPath: string, truthPath: string): Promise<LeakRow[]> {
	const run = await openRun(runPath);
	const people = peopleOf(run, truthPath);
	const { width, height } = run.header.video.displaySize;
	const rows: LeakRow[] = [];
	for (const [label, choice] of [
		['boxes of followed people, gaps bridged', EACH_FRAME],
		['half a second before and after', { ...DEFAULT, lead: 0.5 }],
		['one second before and after', { ...DEFAULT, lead: 1 }],
		['default: two seconds', DEFAULT],
	] as [string, Omit<RedactionChoice, 'pictureSize'>][]) {
		const clip = { frameIndices: run.frames.frameIndex, timesSeconds: run.frames.timeSeconds };
		const plan = await planRedaction(run, clip, { ...choice, pictureSize: { width, height } }, undefined);
		rows.push({ label, ...leaksOf(run, people, (i) => plan.boxesAt(i), plan.interruptions) });
	}
	return rows;
}

function leaksOf(
	run: StoredRun,
	people: readonly Box[][],
	boxesAt: (i: number) => readonly Box[],
	toLookAt: readonly { fromFrame: number; toFrame: number }[],
): Omit<LeakRow, 'label'> {
	const { width, height } = run.header.video.displaySize;
	const mask = new Uint8Array(width * height);
	const inhabited = new Uint8Array(width * height);
	const row = { people: 0, visible: 0, headVisible: 0, leaks: 0, longestLeak: 0, listed: 0 };
	let [beside, leaking] = [0, 0];
	const { timeSeconds } = run.frames;
	const secondOf = (frame: number) => timeSeconds[run.positionOfFrame(frame)]!;
	for (let i = 0; i < run.frameCount; i++) {
		paint(mask, boxesAt(i), width, height);
		paint(inhabited, people[i]!, width, height);
		for (let p = 0; p < mask.length; p++) if (mask[p]! > inhabited[p]!) beside++;
		let seen = false;
		for (const box of people[i]!) {
			row.people++;
			const head: Box = [box[0], box[1], box[2], box[1] + (box[3] - box[1]) / 3];
			if (hiddenShare(mask, head, width, height) < 0.5) row.headVisible++;
			if (hiddenShare(mask, box, width, height) >= 0.5) continue;
			row.visible++;
			seen = true;
		}
		if (seen) {
			leaking++;
			if (leaking === 1) row.leaks++;
			const now = timeSeconds[i]!;
			const near = toLookAt.some(
				({ fromFrame, toFrame }) => now > secondOf(fromFrame) - 1 && now < secondOf(toFrame) + 1,
			);
			if (near) row.listed++;
		}
		row.longestLeak = Math.max(row.longestLeak, leaking);
		if (!seen) leaking = 0;
	}
	return { ...row, hiddenBeside: beside / (mask.length * run.frameCount), frames: run.frameCount };
}

function paint(mask: Uint8Array, boxes: readonly Box[], width: number, height: number): void {
	mask.fill(0);
	for (const box of boxes) {
		const [left, top, right, bottom] = within(box, width, height);
		for (let y = top; y < bottom; y++) mask.fill(1, y * width + left, y * width + Math.max(left, right));
	}
}

function hiddenShare(mask: Uint8Array, box: Box, width: number, height: number): number {
	const [left, top, right, bottom] = within(box, width, height);
	let hidden = 0;
	for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) hidden += mask[y * width + x]!;
	const pixels = (right - left) * (bottom - top);
	return pixels > 0 ? hidden / pixels : 1;
}

function within([left, top, right, bottom]: Box, width: number, height: number): Box {
	const x = (value: number) => Math.min(width, Math.max(0, Math.round(value)));
	const y = (value: number) => Math.min(height, Math.max(0, Math.round(value)));
	return [x(left), y(top), x(right), y(bottom)];
}

/** Annotated people of each frame of the run. */
function peopleOf(run: StoredRun, truthPath: string): Box[][] {
	const { frames, classNames } = readGroundTruth(truthPath);
	const person = classNames.indexOf('person');
	return Array.from(run.frames.frameIndex, (frame) => {
		const { classIndices, boxesXyxy, roles } = frames.get(frame) ?? NOBODY;
		return [...classIndices.keys()]
			.filter((i) => roles[i] === COUNTED && classIndices[i] === person)
			.map((i): Box => [
				boxesXyxy[4 * i]!,
				boxesXyxy[4 * i + 1]!,
				boxesXyxy[4 * i + 2]!,
				boxesXyxy[4 * i + 3]!,
			]);
	});
}

const NOBODY = { classIndices: new Uint16Array(0), boxesXyxy: new Float32Array(0), roles: new Uint8Array(0) };

export function describeLeaks(row: LeakRow): string {
	const share = (count: number) => `${((100 * count) / row.people).toFixed(2)} %`;
	return (
		`${row.label.padEnd(40)} visible ${String(row.visible).padStart(4)} of ${row.people} people (${share(row.visible)}), heads ${row.headVisible} (${share(row.headVisible)}), ` +
		`in ${row.leaks} stretches, the longest ${row.longestLeak} frames; ${row.listed} frames near a listed place; ` +
		`${(100 * row.hiddenBeside).toFixed(1)} % of the picture hidden beside people`
	);
}

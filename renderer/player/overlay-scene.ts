import type { CameraPath } from '../../main/domain/camera-path.ts';
import { reachesLeast } from '../../main/domain/least-scores.ts';
import {
	boxLabel,
	boxRect,
	framesFull,
	heatLevel,
	mapLevels,
	offeredHeat,
	tokenCells,
	type HeatKind,
	type Rect,
} from '../../main/domain/overlay-geometry.ts';
import { classColour, inkOn } from '../../main/domain/palette.ts';
import { bitmapHas, tokenCount } from '../../main/domain/tokens.ts';
import { objectLabel } from '../../main/domain/track-labels.ts';
import type { Size } from '../../main/domain/video.ts';
import type { FrameView, RunFrames } from './frame-view.ts';
import type { BoxMark } from './box-mark.ts';
import { judged, missedBoxes } from './truth-boxes.ts';

/** What to show on the picture. */
export type OverlayLook = {
	boxes: boolean;
	labels: boolean;
	/** Whether labels show identities. */
	identities: boolean;
	/** Whether boxes show what ground truth says of them, and what is missed. */
	truth: boolean;
	/** Whether a small map shows where the camera has been. */
	camera: boolean;
	heatMap: HeatKind;
	/** 0 to 1. */
	heatOpacity: number;
	/** The object that stands out, in the panes that show its run. */
	chosen: { runId: string; identity: number } | null;
};

/** Adjacent tokens of one row with the same level. `level` is 1 to 255; `heatPaint` gives its colour. */
export type HeatBar = Rect & { level: number };

/** Everything drawn on one painted frame, in canvas pixels. */
export type OverlayScene = {
	/** Best last, so that it lies on top. */
	boxes: BoxMark[];
	heat: HeatBar[];
	heatKind: HeatKind;
	/** Whether every token was recomputed: shown by a border, since a tint would hide the picture. */
	isFull: boolean;
	/** The analysed frame that the boxes belong to, if it is not the painted one; else null. */
	heldFrom: number | null;
};

/** What is drawn where there is no run. */
export const NOTHING: OverlayScene = { boxes: [], heat: [], heatKind: 'off', isFull: false, heldFrom: null };

/**
 * What a run shows for a painted frame, for a canvas of `size` with the whole video; `word` gives the name of a class.
 */
export function overlayScene(
	run: RunFrames,
	frameIndex: number,
	look: OverlayLook,
	size: Size,
	word = (className: string) => className,
): OverlayScene {
	const view = run.frame(frameIndex, true);
	if (view === null) return NOTHING;
	const isHeld = view.frameIndex !== frameIndex;
	const heatKind = offeredHeat(look.heatMap, run.mapKinds);
	const isFull = framesFull(heatKind) && view.kind === 'flush' && !isHeld;
	// What tokens were so far is counted by their places on the screen.
	const cameraOfHeat = heatKind === 'history' ? null : view.camera;
	return {
		boxes: look.boxes ? boxMarks(run, view, look, size, word) : [],
		heat: isFull ? [] : heatBars(run, heatLevels(run, view, frameIndex, heatKind), size, cameraOfHeat),
		heatKind,
		isFull,
		heldFrom: isHeld ? view.frameIndex : null,
	};
}

function boxMarks(
	run: RunFrames,
	{ frameIndex, detections }: FrameView,
	look: OverlayLook,
	size: Size,
	word: (className: string) => string,
): BoxMark[] {
	const chosen = look.chosen?.runId === run.runId ? look.chosen.identity : 0;
	const isNamed = look.identities || chosen > 0;
	const identities = isNamed ? run.identitiesOf(frameIndex) : null;
	const truth = look.truth ? (run.truthOf?.(frameIndex) ?? null) : null;
	const marks: BoxMark[] = [];
	for (let i = detections.count - 1; i >= 0; i--) {
		const score = detections.scores[i]!;
		const classIndex = detections.classIndices[i]!;
		if (!reachesLeast(run.displayThresholds, classIndex, score)) continue;
		const rect = boxRect(detections.box(i), run.letterbox.displaySize, size);
		if (rect === null) continue;
		const name = run.classes[classIndex] ?? String(classIndex);
		const paper = classColour(name);
		const identity = identities?.[i] ?? 0;
		const who = look.identities ? objectLabel(identity, run.trackNames) : '';
		const label = boxLabel(word(name), score, who);
		const short = who || word(name);
		const mark: BoxMark = {
			rect,
			label,
			short,
			who,
			paper,
			ink: inkOn(paper),
			stale: detections.isStale(i),
			chosen: identity > 0 && identity === chosen,
			truthMark: null,
		};
		marks.push(truth ? judged(mark, truth, i) : mark);
	}
	return truth ? [...missedBoxes(run, truth, size, word), ...marks] : marks;
}

/** A level per token; a frame that was not analysed recomputed nothing. Null if nothing is drawn. */
function heatLevels(run: RunFrames, view: FrameView, frameIndex: number, kind: HeatKind): Uint8Array | null {
	if (kind === 'off') return null;
	const tokens = tokenCount(run.grid);
	if (kind === 'history') {
		const shares = run.history(frameIndex);
		return shares && Uint8Array.from(shares, heatLevel);
	}
	if (view.frameIndex !== frameIndex) return null;
	if (kind !== 'frame') {
		const values = run.mapOf(frameIndex, kind);
		return values && mapLevels({ kind, values }, run.grid);
	}
	return Uint8Array.from({ length: tokens }, (_, token) => (bitmapHas(view.bitmap, token) ? 255 : 0));
}

function heatBars(
	run: RunFrames,
	levels: Uint8Array | null,
	size: Size,
	camera: CameraPath | null,
): HeatBar[] {
	const { grid } = run;
	if (levels === null) return [];
	const { xs, ys } = tokenCells(grid, run.letterbox, size, camera);
	const bars: HeatBar[] = [];
	for (let row = 0; row < grid.rows; row++) {
		const y = ys[row]!;
		const height = ys[row + 1]! - y;
		let from = 0;
		for (let to = 1; to <= grid.cols; to++) {
			const level = levels[row * grid.cols + from]!;
			if (to < grid.cols && levels[row * grid.cols + to] === level) continue;
			const width = xs[to]! - xs[from]!;
			if (level > 0 && width > 0 && height > 0) bars.push({ x: xs[from]!, y, width, height, level });
			from = to;
		}
	}
	return bars;
}

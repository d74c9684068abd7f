import { layOut } from './drawing/layout.ts';
import { isDeepStrictEqual } from 'node:util';
import { fitZones } from '../counting/zone-file.ts';
import { STAGES } from '../domain/cost.ts';
import { Detections } from '../domain/detections.ts';
import { UserFacingError } from '../domain/errors.ts';
import { executionOf, ON_CPU } from '../domain/execution.ts';
import { sameLeastScore, type LeastScores } from '../domain/least-scores.ts';
import { framesFull, heatLevel, mapLevels, offeredHeat, type HeatKind } from '../domain/overlay-geometry.ts';
import { shortfallCaption } from '../domain/shortfall.ts';
import { bitmapHas, SELECTION_KINDS, tokenCount } from '../domain/tokens.ts';
import type { Size, VideoInfo } from '../domain/video.ts';
import { denseRunsOf, referencesOf } from '../evaluation/agreement.ts';
import { cameraTrackOf } from '../results/frame-columns.ts';
import type { StoredRun } from '../results/stored-run.ts';
import type { CostColumns, CostScale } from './drawing/cost-strip.ts';
import type { FrameScene, OverlayOptions, PaneScene } from './drawing/draw-overlay.ts';
import { followRun, type IdentitiesOfRow } from './identities.ts';
import type { ExportRequest } from './format.ts';
import type { OverlaySettings } from './overlay-settings.ts';
import { timeOfDayOf } from './times-of-day.ts';
import { tallyOf, type Tally } from './zone-tallies.ts';

/** What is drawn of stored runs, frame by frame. */
export type Scenes = {
	overlay: OverlayOptions;
	/** Whether at least one run analysed this frame. */
	isAnalysed(frameIndex: number): boolean;
	/**
	 * Without `hold`, frames that a run did not analyse show none of its boxes. Frames should be requested in ascending order: going
	 * back begins with the first one again.
	 */
	at(frameIndex: number, timeSeconds: number, hold: boolean): FrameScene;
};

const MOST_PANES = 4;
const LEGEND_CLASSES = 6;

/** Throws `bad-argument` unless all runs are of one video: only then can they be compared side by side. */
export function checkRuns(runs: readonly StoredRun[]): void {
	if (runs.length < 1 || runs.length > MOST_PANES) {
		throw new UserFacingError(
			'bad-argument',
			`A picture shows 1 to ${MOST_PANES} runs side by side (got ${runs.length}).`,
		);
	}
	const first = runs[0]!;
	for (const run of runs.slice(1)) {
		if (run.header.videoIdentity.edgesSha256 === first.header.videoIdentity.edgesSha256) continue;
		throw new UserFacingError(
			'bad-argument',
			`${run.folder}: runs side by side must be of the same video (${first.header.video.path}; this one is of ${run.header.video.path}).`,
		);
	}
}

/** The size a frame is drawn at: as displayed, or smaller if `maxPaneWidth` limits it. */
export function paneSizeOf({ displaySize }: VideoInfo, settings: OverlaySettings): Size {
	return scaled(displaySize, Math.min(1, settings.maxPaneWidth / displaySize.width));
}

/** `paneSize`, or so much smaller that the picture of all panes has no side above `longestSide`. */
export function fitPaneSize(
	paneSize: Size,
	paneCount: number,
	{ strip }: OverlaySettings,
	longestSide: number,
): Size {
	let fitting = paneSize;
	for (;;) {
		const { width, height } = layOut(fitting, paneCount, strip).size;
		const longest = Math.max(width, height);
		if (longest <= longestSide) return fitting;
		// Captions and strips shrink less than pictures: several steps.
		const longer = Math.max(fitting.width, fitting.height);
		fitting = scaled(fitting, Math.min(longestSide / longest, (longer - 1) / longer));
	}
}

function scaled({ width, height }: Size, scale: number): Size {
	return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** `settings` are resolved ones of OVERLAY_SETTINGS. Rejects with `cancelled` when `signal` is aborted. */
export async function openScenes(
	runs: readonly StoredRun[],
	labels: readonly string[],
	settings: OverlaySettings,
	paneSize: Size,
	{ clock, zones, signal }: Pick<ExportRequest, 'clock' | 'zones' | 'signal'> = {},
): Promise<Scenes> {
	const heats = runs.map((run) => offeredHeat(settings.heat, run.mapKinds()));
	const costs = runs.map(costColumns);
	const scales = costScales(runs, costs);
	const least = runs.map(({ header }) =>
		settings.minScore > 0
			? sameLeastScore(header.model.classes.length, settings.minScore)
			: header.displayThresholds,
	);
	const named = settings.boxes && settings.labels && settings.identities;
	const followed = await Promise.all(runs.map((run) => followRun(run, named, signal)));
	const references = referencesOf(runs);
	const timeOfDay = timeOfDayOf(runs[0]!, clock);
	const { displaySize } = runs[0]!.header.video;
	const isDrawn = settings.zones && zones && zones.zones.length + zones.lines.length > 0;
	const drawn = isDrawn ? fitZones(zones, displaySize, 'zones').zones : null;
	const tallies = await Promise.all(
		runs.map((run) => (drawn ? tallyOf(run, drawn, signal) : Promise.resolve(null))),
	);
	const openPanes = () =>
		runs.map((run, i) =>
			openPane(run, {
				heat: heats[i]!,
				least: least[i]!,
				identitiesOf: followed[i]!.identitiesOf,
				costs: costs[i]!,
				referenceCosts: costs[runs.findIndex((other) => other === references[i] && other !== run)] ?? null,
				scale: scales[i]!,
				tally: tallies[i]?.() ?? null,
			}),
		);
	let panes = openPanes();
	let shownFrame = -1;
	return {
		overlay: {
			paneSize,
			panes: runs.map((run, i) => ({
				caption: captionOf(run, labels[i] ?? run.header.mode),
				classes: run.header.model.classes,
				letterbox: run.header.letterbox,
				grid: run.header.grid,
				heat: heats[i]!,
				hasBudget: costs[i]!.budgetMacs.some((macs) => macs > 0),
				track: cameraTrackOf(run.frames),
				hasStale: run.frames.drift?.stale.includes(1) ?? false,
				names: followed[i]!.names,
			})),
			boxes: settings.boxes,
			labels: settings.labels,
			cameraPath: settings.cameraPath,
			zones: drawn,
			strip: settings.strip,
			recordedTimes: timeOfDay !== null,
			heatOpacity: settings.heatOpacity,
			legendClasses: frequentClasses(runs, least),
		},
		isAnalysed: (frameIndex) => runs.some((run) => run.positionOfFrame(frameIndex) >= 0),
		at(frameIndex, timeSeconds, hold) {
			if (frameIndex < shownFrame) panes = openPanes();
			shownFrame = frameIndex;
			return {
				frameIndex,
				timeSeconds,
				recordedAt: timeOfDay?.(timeSeconds) ?? null,
				panes: panes.map((pane) => pane.at(frameIndex, hold)),
			};
		},
	};
}

/** What a run was computed by is worth a word where that is not the processor alone, as usual. */
function captionOf({ shortfall, header, status, executionWords }: StoredRun, label: string): string {
	const isUsual = isDeepStrictEqual(executionOf(header), ON_CPU) && status.executionChanges.length === 0;
	const parts = [
		label,
		...(isUsual ? [] : [executionWords]),
		...(shortfall ? [shortfallCaption(shortfall)] : []),
	];
	return parts.join(' · ');
}

type PaneSource = {
	heat: HeatKind;
	least: LeastScores;
	identitiesOf: IdentitiesOfRow;
	costs: CostColumns;
	/** Times of the dense reference run; null for that run itself, and if there is none. */
	referenceCosts: CostColumns | null;
	scale: CostScale;
	/** Null where no zones are drawn. */
	tally: Tally | null;
};

function openPane(run: StoredRun, source: PaneSource) {
	const { heat, least, identitiesOf, costs, referenceCosts, scale, tally } = source;
	const { grid } = run.header;
	const tokens = tokenCount(grid);
	const { frameIndex: frames } = costs;
	const recomputed = new Uint32Array(tokens); // how often, in rows 0..row
	const levels = heat === 'off' ? null : new Uint8Array(tokens);
	const own = runningMean(costs);
	const reference = referenceCosts && runningMean(referenceCosts);
	let row = -1;
	let shown = Detections.none;
	let identities: Int32Array = new Int32Array(0);
	let macsSoFar = 0;

	function advanceTo(frameIndex: number): void {
		while (row + 1 < frames.length && frames[row + 1]! <= frameIndex) {
			row++;
			macsSoFar += costs.macs[row]!;
			if (heat !== 'history') continue;
			const bitmap = run.bitmap(row);
			for (let token = 0; token < tokens; token++) if (bitmapHas(bitmap, token)) recomputed[token]!++;
		}
	}

	/** Levels of the tokens at `row`; a frame that was not analysed recomputed nothing. */
	function paintLevels(isAnalysed: boolean): void {
		if (!levels || row < 0) return;
		if (heat === 'history') {
			for (let token = 0; token < tokens; token++) levels[token] = heatLevel(recomputed[token]! / (row + 1));
			return;
		}
		levels.fill(0);
		// A frame computed in full gets a border instead of a tint: flashing pictures hide what they show.
		const isFull = framesFull(heat) && run.frames.selectedTokens[row] === tokens;
		if (!isAnalysed || isFull) return;
		if (heat === 'frame') {
			const bitmap = run.bitmap(row);
			for (let token = 0; token < tokens; token++) if (bitmapHas(bitmap, token)) levels[token] = 255;
			return;
		}
		const map = run.maps(row).find(({ kind }) => kind === heat);
		if (map) levels.set(mapLevels(map, grid));
	}

	return {
		at(frameIndex: number, hold: boolean): PaneScene {
			const before = row;
			advanceTo(frameIndex);
			const isAnalysed = row >= 0 && frames[row] === frameIndex;
			if (row !== before || shown === Detections.none) {
				shown = row < 0 ? Detections.none : run.detections(row).scoredAtLeast(least);
				identities = row < 0 ? identities : identitiesOf(row);
			}
			paintLevels(isAnalysed);
			return {
				detections: isAnalysed || hold ? shown : Detections.none,
				identities,
				held: !isAnalysed,
				row,
				tallies: tally?.(frameIndex) ?? [],
				heat: levels,
				isFull: framesFull(heat) && isAnalysed && costs.flush[row] === 1,
				cost: {
					columns: costs,
					position: row,
					scale,
					saved: row < 0 ? 0 : 1 - macsSoFar / (scale.denseMacs * (row + 1)),
					speedUp: row < 1 || !reference ? null : reference(frames[row]!) / own(frames[row]!),
					held: !isAnalysed,
				},
			};
		},
	};
}

/**
 * Mean milliseconds of the analysed frames up to a frame, without the first one, which includes warm-up. Must be
 * requested in ascending order.
 */
function runningMean({ frameIndex, milliseconds }: CostColumns): (frame: number) => number {
	let row = 1;
	let sum = 0;
	return (frame) => {
		while (row < frameIndex.length && frameIndex[row]! <= frame) sum += milliseconds[row++]!;
		return sum / Math.max(1, row - 1);
	};
}

/** The costs of the run's frames, as columns for the strip. */
export function costColumns(run: StoredRun): CostColumns {
	const { frameIndex, macs, kind, budgetMacs, selectedTokens } = run.frames;
	const rows = run.frameCount;
	const milliseconds = new Float32Array(rows);
	for (const stage of STAGES) {
		const column = run.frames.milliseconds[stage];
		for (let row = 0; row < rows; row++) milliseconds[row]! += column[row]!;
	}
	const flushKind = SELECTION_KINDS.indexOf('flush');
	const flush = Uint8Array.from(kind, (value) => (value === flushKind ? 1 : 0));
	// If every frame is computed in full, none of them is special.
	if (flush.every((value) => value === 1)) flush.fill(0);
	return {
		frameIndex,
		macs,
		milliseconds,
		flush,
		budgetMacs: Float64Array.from(budgetMacs, (value) => (value > 0 ? value : 0)),
		selectedTokens,
	};
}

function costScales(runs: readonly StoredRun[], costs: readonly CostColumns[]): CostScale[] {
	const denseMilliseconds = denseRunsOf(runs).map((dense) =>
		dense ? quantile(costs[runs.indexOf(dense)]!.milliseconds, 0.5) : null,
	);
	const topMacs = 1.1 * Math.max(1, ...runs.map((run) => run.header.denseMacs));
	// Rare slow frames may exceed the scale, so that they do not flatten all others.
	const usual = Math.max(...costs.map(({ milliseconds }) => quantile(milliseconds, 0.98)));
	const topMilliseconds = 1.1 * Math.max(0.001, usual, ...denseMilliseconds.map((value) => value ?? 0));
	return runs.map(({ header }, i) => ({
		denseMacs: header.denseMacs,
		denseMilliseconds: denseMilliseconds[i]!,
		topMacs,
		topMilliseconds,
		tokens: tokenCount(header.grid),
	}));
}

function quantile(values: Float32Array, q: number): number {
	const sorted = values.slice().sort();
	return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}

/** The classes that are drawn most often, from a sample of the frames; at most six. */
function frequentClasses(runs: readonly StoredRun[], least: readonly LeastScores[]): string[] {
	const counts = new Map<string, number>();
	runs.forEach((run, i) => {
		const step = Math.max(1, Math.floor(run.frameCount / 1000));
		for (let row = 0; row < run.frameCount; row += step) {
			for (const classIndex of run.detections(row).scoredAtLeast(least[i]!).classIndices) {
				const name = run.header.model.classes[classIndex] ?? String(classIndex);
				counts.set(name, (counts.get(name) ?? 0) + 1);
			}
		}
	});
	const byCount = [...counts].sort(([, a], [, b]) => b - a);
	return byCount.slice(0, LEGEND_CLASSES).map(([name]) => name);
}

import type { CameraTrack } from '../../main/domain/camera-inset.ts';
import { CAMERA_FIELDS, eachCameraField, type CameraColumns } from '../../main/domain/camera-path.ts';
import { STAGES, type StageMilliseconds } from '../../main/domain/cost.ts';
import { reachesLeast, type LeastScores } from '../../main/domain/least-scores.ts';
import { SELECTION_KINDS } from '../../main/domain/tokens.ts';
import type { FrameBatch } from '../../main/analysis/frame-batch.ts';
import type { RunTimeline } from '../../preload/contract.ts';
import { lastUpTo } from './sorted.ts';

/** Means per frame; the first frame is computed in full and includes warm-up, so it is left out if there are more. */
export type FrameMeans = {
	frames: number;
	milliseconds: StageMilliseconds;
	totalMilliseconds: number;
	macs: number;
	selectedTokens: number;
	/** Mean of the estimated agreement of all frames; null if it is not estimated. */
	estimate: number | null;
};

const FLUSH = SELECTION_KINDS.indexOf('flush');

/** Cost, time and counts of every frame of a run, in frame order, in columns that grow during the run. */
export class TimelineColumns {
	length = 0;
	frameIndices = new Int32Array(0);
	timesSeconds = new Float64Array(0);
	kinds = new Uint8Array(0);
	selectedTokens = new Int32Array(0);
	macs = new Float64Array(0);
	/** NaN = no budget. */
	budgetMacs = new Float64Array(0);
	/** A column per stage, in the order of STAGES. */
	milliseconds: Float32Array[] = STAGES.map(() => new Float32Array(0));
	totalMilliseconds = new Float32Array(0);
	/** Detections shown. */
	detections = new Uint32Array(0);
	/** How often `detections` were replaced. */
	recounts = 0;
	/** Whether a frame has an estimate of the agreement. */
	hasEstimates = false;
	waitingTokens = new Int32Array(0);
	longestWaits = new Int32Array(0);
	sufficientTokens = new Int32Array(0);
	/** Estimated agreement with dense and its bounds; NaN = not estimated. */
	estimates = new Float32Array(0);
	lowers = new Float32Array(0);
	uppers = new Float32Array(0);
	/** F1 of audited frames; NaN = not audited. */
	audits = new Float32Array(0);
	auditCount = 0;
	/** Whether the camera is followed in some frame. */
	hasCamera = false;
	/** NaN where it is fixed. */
	camera: CameraColumns = eachCameraField(() => new Float32Array(0));
	/** 1 where all tokens were recomputed, and not to audit. */
	anchors = new Uint8Array(0);
	#cameraTrack: CameraTrack | null = null;
	readonly #sums = { milliseconds: STAGES.map(() => 0), macs: 0, selectedTokens: 0 };
	readonly #estimated = { frames: 0, sum: 0 };
	readonly #first = { milliseconds: STAGES.map(() => 0), macs: 0, selectedTokens: 0 };

	/** Appends the columns of a stored run, without the frames that are here already. Returns how many were new. */
	appendTimeline(timeline: RunTimeline): number {
		return this.#append(timeline, (row) => timeline.detections[row]!);
	}

	/** Appends a live batch; counts the detections that reach `least`. Returns how many frames were new. */
	appendBatch(batch: FrameBatch, least: LeastScores): number {
		return this.#append(batch, (row) => {
			let shown = 0;
			for (let d = batch.detectionOffsets[row]!; d < batch.detectionOffsets[row + 1]!; d++) {
				if (reachesLeast(least, batch.classIndices[d]!, batch.scores[d]!)) shown++;
			}
			return shown;
		});
	}

	/** Replaces the numbers of detections shown, from the first frame on. */
	recount(detections: Uint32Array): void {
		this.detections.set(detections.subarray(0, this.length));
		this.recounts++;
	}

	/** The last known frame; -1 for none. */
	get lastFrameIndex(): number {
		return this.length > 0 ? this.frameIndices[this.length - 1]! : -1;
	}

	/** The path of the camera, the same until more frames come; null where it is fixed in all frames. */
	get cameraTrack(): CameraTrack | null {
		if (!this.hasCamera) return null;
		if (this.#cameraTrack?.length !== this.length) {
			this.#cameraTrack = { columns: this.camera, anchors: this.anchors, length: this.length };
		}
		return this.#cameraTrack;
	}

	/** Position of the last frame at or before `frameIndex`; -1 if there is none. */
	floorPosition(frameIndex: number): number {
		return lastUpTo(this.frameIndices, frameIndex, this.length);
	}

	means(): FrameMeans {
		const later = this.length > 1 ? 1 : 0;
		const frames = Math.max(1, this.length - later);
		const mean = (sum: number, first: number): number => (later ? sum - first : sum) / frames;
		const stages = STAGES.map((_, s) => mean(this.#sums.milliseconds[s]!, this.#first.milliseconds[s]!));
		return {
			frames: this.length,
			milliseconds: Object.fromEntries(STAGES.map((stage, s) => [stage, stages[s]!])) as StageMilliseconds,
			totalMilliseconds: stages.reduce((sum, ms) => sum + ms, 0),
			macs: mean(this.#sums.macs, this.#first.macs),
			selectedTokens: mean(this.#sums.selectedTokens, this.#first.selectedTokens),
			estimate: this.#estimated.frames > 0 ? this.#estimated.sum / this.#estimated.frames : null,
		};
	}

	#append(rows: Omit<RunTimeline, 'detections'>, detectionsOf: (row: number) => number): number {
		const count = rows.frameIndices.length;
		this.#reserve(this.length + count);
		const before = this.length;
		let last = this.lastFrameIndex;
		for (let row = 0; row < count; row++) {
			const frameIndex = rows.frameIndices[row]!;
			if (frameIndex <= last) continue;
			last = frameIndex;
			const at = this.length++;
			this.frameIndices[at] = frameIndex;
			this.timesSeconds[at] = rows.timesSeconds[row]!;
			this.kinds[at] = rows.kinds[row]!;
			this.selectedTokens[at] = rows.selectedTokens[row]!;
			this.macs[at] = rows.macs[row]!;
			this.budgetMacs[at] = rows.budgetMacs[row]!;
			this.detections[at] = detectionsOf(row);
			this.waitingTokens[at] = rows.waitingTokens[row]!;
			this.longestWaits[at] = rows.longestWaits[row]!;
			this.sufficientTokens[at] = rows.sufficientTokens[row]!;
			this.estimates[at] = rows.agreements[3 * row]!;
			this.lowers[at] = rows.agreements[3 * row + 1]!;
			this.uppers[at] = rows.agreements[3 * row + 2]!;
			this.audits[at] = rows.audits[row]!;
			if (!Number.isNaN(this.estimates[at])) {
				this.hasEstimates = true;
				this.#estimated.frames++;
				this.#estimated.sum += this.estimates[at];
			}
			if (!Number.isNaN(this.audits[at])) this.auditCount++;
			CAMERA_FIELDS.forEach((field, i) => {
				this.camera[field][at] = rows.cameras[row * CAMERA_FIELDS.length + i]!;
			});
			if (!Number.isNaN(this.camera.x[at])) this.hasCamera = true;
			this.anchors[at] = rows.kinds[row] === FLUSH && Number.isNaN(this.audits[at]) ? 1 : 0;
			let total = 0;
			for (let s = 0; s < STAGES.length; s++) {
				const ms = rows.milliseconds[row * STAGES.length + s]!;
				this.milliseconds[s]![at] = ms;
				this.#sums.milliseconds[s]! += ms;
				if (at === 0) this.#first.milliseconds[s] = ms;
				total += ms;
			}
			this.totalMilliseconds[at] = total;
			this.#sums.macs += this.macs[at];
			this.#sums.selectedTokens += this.selectedTokens[at];
			if (at === 0) {
				this.#first.macs = this.macs[0]!;
				this.#first.selectedTokens = this.selectedTokens[0]!;
			}
		}
		return this.length - before;
	}

	#reserve(length: number): void {
		const capacity = this.frameIndices.length;
		if (length <= capacity) return;
		const wanted = Math.max(length, 2 * capacity, 1024);
		this.frameIndices = grown(this.frameIndices, new Int32Array(wanted));
		this.timesSeconds = grown(this.timesSeconds, new Float64Array(wanted));
		this.kinds = grown(this.kinds, new Uint8Array(wanted));
		this.selectedTokens = grown(this.selectedTokens, new Int32Array(wanted));
		this.macs = grown(this.macs, new Float64Array(wanted));
		this.budgetMacs = grown(this.budgetMacs, new Float64Array(wanted));
		this.milliseconds = this.milliseconds.map((column) => grown(column, new Float32Array(wanted)));
		this.totalMilliseconds = grown(this.totalMilliseconds, new Float32Array(wanted));
		this.waitingTokens = grown(this.waitingTokens, new Int32Array(wanted));
		this.longestWaits = grown(this.longestWaits, new Int32Array(wanted));
		this.sufficientTokens = grown(this.sufficientTokens, new Int32Array(wanted));
		this.estimates = grown(this.estimates, new Float32Array(wanted));
		this.lowers = grown(this.lowers, new Float32Array(wanted));
		this.uppers = grown(this.uppers, new Float32Array(wanted));
		this.audits = grown(this.audits, new Float32Array(wanted));
		const { camera } = this;
		this.camera = eachCameraField((field) => grown(camera[field], new Float32Array(wanted)));
		this.anchors = grown(this.anchors, new Uint8Array(wanted));
		this.detections = grown(this.detections, new Uint32Array(wanted));
	}
}

function grown<T extends { set(values: T): void }>(column: T, larger: T): T {
	larger.set(column);
	return larger;
}

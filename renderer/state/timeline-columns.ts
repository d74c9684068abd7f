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
		const skipped = lastUpTo(rows.frameIndices, this.lastFrameIndex, rows.frameIndices.length) + 1;
		const added = rows.frameIndices.length - skipped;
		const before = this.length;
		if (added === 0) return 0;
		this.#reserve(before + added);
		this.length = before + added;
		this.frameIndices.set(rows.frameIndices.subarray(skipped), before);
		this.timesSeconds.set(rows.timesSeconds.subarray(skipped), before);
		this.kinds.set(rows.kinds.subarray(skipped), before);
		this.selectedTokens.set(rows.selectedTokens.subarray(skipped), before);
		this.macs.set(rows.macs.subarray(skipped), before);
		this.budgetMacs.set(rows.budgetMacs.subarray(skipped), before);
		this.waitingTokens.set(rows.waitingTokens.subarray(skipped), before);
		this.longestWaits.set(rows.longestWaits.subarray(skipped), before);
		this.sufficientTokens.set(rows.sufficientTokens.subarray(skipped), before);
		this.audits.set(rows.audits.subarray(skipped), before);
		for (let at = before, row = skipped; at < this.length; at++, row++) {
			this.detections[at] = detectionsOf(row);
			this.estimates[at] = rows.agreements[3 * row]!;
			this.lowers[at] = rows.agreements[3 * row + 1]!;
			this.uppers[at] = rows.agreements[3 * row + 2]!;
			for (let i = 0; i < CAMERA_FIELDS.length; i++) {
				this.camera[CAMERA_FIELDS[i]!][at] = rows.cameras[row * CAMERA_FIELDS.length + i]!;
			}
			let total = 0;
			for (let s = 0; s < STAGES.length; s++) {
				const ms = rows.milliseconds[row * STAGES.length + s]!;
				this.milliseconds[s]![at] = ms;
				total += ms;
			}
			this.totalMilliseconds[at] = total;
			this.#sum(at);
		}
		return added;
	}

	/** Adds a frame to what is known of all. */
	#sum(at: number): void {
		const isAudited = !Number.isNaN(this.audits[at]);
		if (isAudited) this.auditCount++;
		this.anchors[at] = this.kinds[at] === FLUSH && !isAudited ? 1 : 0;
		if (!Number.isNaN(this.camera.x[at])) this.hasCamera = true;
		if (!Number.isNaN(this.estimates[at])) {
			this.hasEstimates = true;
			this.#estimated.frames++;
			this.#estimated.sum += this.estimates[at]!;
		}
		for (let s = 0; s < STAGES.length; s++) {
			const ms = this.milliseconds[s]![at]!;
			this.#sums.milliseconds[s]! += ms;
			if (at === 0) this.#first.milliseconds[s] = ms;
		}
		this.#sums.macs += this.macs[at]!;
		this.#sums.selectedTokens += this.selectedTokens[at]!;
		if (at === 0) {
			this.#first.macs = this.macs[0]!;
			this.#first.selectedTokens = this.selectedTokens[0]!;
		}
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

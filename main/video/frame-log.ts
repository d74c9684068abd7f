import {
	isCutOffLine,
	isLostFrameLine,
	parseClockLine,
	parseDamageLine,
	parseFrameLine,
} from './log-lines.ts';
import { RisingClock } from './rising-clock.ts';
import type { ClockRestart } from '../domain/video.ts';

const KEPT_WARNINGS = 5;

/** Reads ffmpeg's log while it decodes: the index and rising time of every frame, and what was lost. */
export class FrameLog {
	/** The first few different messages of the decoder about damage. */
	readonly warnings: string[] = [];
	/** Includes the frames that a jump skipped. */
	framesDecoded = 0;
	readonly #onFrame: (index: number, timeSeconds: number) => void;
	#secondsPerTick = Number.NaN;
	/** As the container claims; null if it claims nothing. */
	#interval: number | null = null;
	#lastSeconds: number | null = null;
	#refusedPackets = 0;
	#missedFrames = 0;
	#unevenIntervals = 0;
	#damaged = false;
	#cutOff = false;
	#firstIndex = 0;
	readonly #clock = new RisingClock();

	constructor(onFrame: (index: number, timeSeconds: number) => void) {
		this.#onFrame = onFrame;
	}

	/** The frame reported last is frame `index` of the file; everything before it is disregarded. */
	beginAt(index: number): void {
		this.framesDecoded = index + 1;
		this.#firstIndex = index;
		this.warnings.length = 0;
		this.#refusedPackets = this.#missedFrames = this.#unevenIntervals = 0;
		this.#damaged = this.#cutOff = false;
	}

	/**
	 * How many frames were lost to damage, as far as can be told; frames decoded with errors concealed are not lost. The
	 * largest of: the packets that the decoder refused; if the log reports damage in a file of even rate, the frames that
	 * fit into the gaps between times (what the demuxer drops never reaches the decoder); and, if the file was read to
	 * its end and is cut off or is an avi (which numbers its frames instead of timing them), the frames missing from the
	 * container's claim.
	 */
	countLost(readToEnd: { container: string; estimatedFrames: number | null } | null): number {
		if (!this.#damaged) return this.#refusedPackets;
		const even = this.#unevenIntervals * 20 <= this.framesDecoded - this.#firstIndex;
		const claims = readToEnd !== null && (this.#cutOff || readToEnd.container === 'avi');
		const missing = claims ? (readToEnd.estimatedFrames ?? 0) - this.framesDecoded : 0;
		return Math.max(this.#refusedPackets, even ? this.#missedFrames : 0, missing);
	}

	/** Where the file's own clock began again. */
	get clockRestarts(): readonly ClockRestart[] {
		return this.#clock.restarts;
	}

	readLine(line: string): void {
		const frame = parseFrameLine(line);
		if (frame) this.#readFrame(frame.ticks);
		else this.#readRemark(line);
	}

	#readFrame(ticks: number | null): void {
		const timeSeconds =
			ticks === null ? this.#guessTime() : this.#clock.take(this.framesDecoded, ticks * this.#secondsPerTick);
		if (this.#lastSeconds !== null && this.#interval !== null) {
			const missed = Math.round((timeSeconds - this.#lastSeconds) / this.#interval) - 1;
			if (missed > 0) this.#missedFrames += missed;
			if (missed !== 0) this.#unevenIntervals++;
		}
		this.#lastSeconds = timeSeconds;
		this.#onFrame(this.framesDecoded++, timeSeconds);
	}

	// Only bare streams without a container have frames without a time.
	#guessTime(): number {
		return this.#lastSeconds === null ? 0 : this.#lastSeconds + (this.#interval ?? 0);
	}

	#readRemark(line: string): void {
		const clock = parseClockLine(line);
		if (clock) {
			this.#secondsPerTick = clock.secondsPerTick;
			this.#interval = clock.framesPerSecond === null ? null : 1 / clock.framesPerSecond;
			return;
		}
		if (isLostFrameLine(line)) this.#refusedPackets++;
		const damage = parseDamageLine(line);
		if (damage === null) return;
		this.#damaged = true;
		this.#cutOff ||= isCutOffLine(damage);
		if (this.warnings.length < KEPT_WARNINGS && !this.warnings.includes(damage)) this.warnings.push(damage);
	}
}

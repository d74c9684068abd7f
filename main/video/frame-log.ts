import {
	isCutOffLine,
	isLostFrameLine,
	parseClockLine,
	parseDamageLine,
	parseFrameLine,
} from './log-lines.ts';

const KEPT_WARNINGS = 5;

/** Reads ffmpeg's log while it decodes: every frame with its index and time, and what was lost. */
export class FrameLog {
	/** Damage as the decoder words it, the first few different ones. */
	readonly warnings: string[] = [];
	/** Those that a jump left out are counted as well. */
	framesDecoded = 0;
	readonly #onFrame: (index: number, timeSeconds: number) => void;
	#secondsPerTick = Number.NaN;
	/** By the container's claim; null where it makes none. */
	#interval: number | null = null;
	#lastSeconds: number | null = null;
	#refusedPackets = 0;
	#missedFrames = 0;
	#unevenIntervals = 0;
	#damaged = false;
	#cutOff = false;
	#firstIndex = 0;

	constructor(onFrame: (index: number, timeSeconds: number) => void) {
		this.#onFrame = onFrame;
	}

	/** The frame that was told last is frame `index` of the file, and what came before it does not count. */
	beginAt(index: number): void {
		this.framesDecoded = index + 1;
		this.#firstIndex = index;
		this.warnings.length = 0;
		this.#refusedPackets = this.#missedFrames = this.#unevenIntervals = 0;
		this.#damaged = this.#cutOff = false;
	}

	/**
	 * How many frames damage has cost, as far as anything tells; frames decoded with errors concealed are not lost. The
	 * largest of: packets that the decoder refused; where the log speaks of damage in a file of even rate, the frames
	 * that fit into the holes between times (what the demuxer drops never reaches the decoder); and what is missing from
	 * the container's claim, where the file was read to its end and is cut off, or is an avi, which numbers its frames
	 * instead of timing them.
	 */
	countLost(readToEnd: { container: string; estimatedFrames: number | null } | null): number {
		if (!this.#damaged) return this.#refusedPackets;
		const even = this.#unevenIntervals * 20 <= this.framesDecoded - this.#firstIndex;
		const claims = readToEnd !== null && (this.#cutOff || readToEnd.container === 'avi');
		const missing = claims ? (readToEnd.estimatedFrames ?? 0) - this.framesDecoded : 0;
		return Math.max(this.#refusedPackets, even ? this.#missedFrames : 0, missing);
	}

	readLine(line: string): void {
		const frame = parseFrameLine(line);
		if (frame) this.#readFrame(frame.ticks);
		else this.#readRemark(line);
	}

	#readFrame(ticks: number | null): void {
		const timeSeconds = ticks === null ? this.#guessTime() : ticks * this.#secondsPerTick;
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

// What ffmpeg writes in its log, line by line. Wordings differ between versions; the tests hold captured lines.

/** A frame that the decoder put out: `ticks` is null where the file gives it no time. */
export type FrameLine = { ticks: number | null };

const FRAME_LINE = /\[(?:Parsed_)?showinfo[^\]]*\].*? n: *\d+ pts: *(-?\d+|NOPTS) /;

/** The record of one decoded frame, or null. */
export function parseFrameLine(line: string): FrameLine | null {
	if (!line.includes(' pts:')) return null; // most lines, and cheaper than the pattern
	const match = FRAME_LINE.exec(line);
	return match && { ticks: match[1] === 'NOPTS' ? null : Number(match[1]) };
}

/** The clock that frame lines count in, in seconds per tick, and the claimed frame rate; or null. */
export function parseClockLine(
	line: string,
): { secondsPerTick: number; framesPerSecond: number | null } | null {
	const match = /\bconfig in time_base: (\d+)\/(\d+), frame_rate: (\d+)\/(\d+)/.exec(line);
	if (!match) return null;
	const [tickNumerator, tickDenominator, rateNumerator, rateDenominator] = match.slice(1).map(Number);
	const rate = rateNumerator! / rateDenominator!;
	return {
		secondsPerTick: tickNumerator! / tickDenominator!,
		framesPerSecond: Number.isFinite(rate) && rate > 0 ? rate : null,
	};
}

// A packet that the decoder refused as a whole: ffmpeg up to 6.0, then 6.1 and later (sending, receiving).
const LOST_FRAME =
	/Error while decoding stream #|Error submitting (?:a )?packet to (?:the )?decoder|Decode error: |Decoding error: /i;

/** True for the line in which ffmpeg says that a packet gave no frame. */
export function isLostFrameLine(line: string): boolean {
	return LOST_FRAME.test(line);
}

// Logged at a lower level than error, but still about damaged data.
const DAMAGE = /\bconcealing \d+|\bcorrupt|\btruncat|\bpartial file|\bended prematurely|\binvalid data/i;

/** A line about damaged or missing data without its addresses and levels; null for every other line. */
export function parseDamageLine(line: string): string | null {
	if (isLogNoise(line)) return null;
	if (!/\[(?:error|fatal|panic)\]/.test(line) && !DAMAGE.test(line)) return null;
	return stripLogPrefix(line);
}

/** True where the file ends before its data does. */
export function isCutOffLine(line: string): boolean {
	return /partial file|ended prematurely|truncat/i.test(line);
}

/** `[h264 @ 0x55d0] [error] no frame!` becomes `h264: no frame!`. */
export function stripLogPrefix(line: string): string {
	return line
		.replace(/\[(?:quiet|panic|fatal|error|warning|info|verbose|debug)\] ?/g, '')
		.replace(/\[([^\]]*?) @ 0x[0-9a-f]+\] ?/g, '$1: ')
		.trim();
}

/** True for lines about single frames and for empty ones, which say nothing about what went wrong. */
export function isLogNoise(line: string): boolean {
	return line.length === 0 || /\[(?:Parsed_)?showinfo|^\s|^\[info\]\s/.test(line) || line.trim() === '';
}

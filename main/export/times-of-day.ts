import { clockOfFile, timesOfDay, type RecordingClock } from '../domain/recording-clock.ts';
import type { StoredRun } from '../results/stored-run.ts';

/** Tells when a time of a run's video was recorded (ISO 8601); null where nobody knows. */
export type TimeOfDay = ((timeSeconds: number) => string) | null;

/** The clock as it was given, or as the file has it; see `ExportRequest`. */
export function clockOf(
	{ header: { video } }: Pick<StoredRun, 'header'>,
	given: RecordingClock | null | undefined,
): RecordingClock | null {
	return given === undefined ? clockOfFile(video) : given;
}

/** `given`: as in `ExportRequest`. */
export function timeOfDayOf(
	run: Pick<StoredRun, 'header'>,
	given: RecordingClock | null | undefined,
): TimeOfDay {
	const clock = clockOf(run, given);
	return clock && timesOfDay(clock, run.header.video);
}

import { basename, extname } from 'node:path';
import type { FrameRange } from '../domain/video.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { eventRecord, type CountedRun } from './counted-run.ts';

/** What of a name may stand in a file name on every system. */
const MOST_CHARACTERS = 40;

/** The part of the video around an event, as far as the run goes. */
export function clipRange(
	{ run, counting: { events } }: CountedRun,
	row: number,
	{ lead, tail }: { lead: number; tail: number },
): FrameRange {
	const { timeSeconds } = run.frames;
	const at = events.timesSeconds[row]!;
	return {
		from: { seconds: Math.max(timeSeconds[0]!, at - lead) },
		to: { seconds: Math.min(timeSeconds[run.frameCount - 1]!, at + tail) },
		every: 1,
	};
}

/** Video, time, kind, and zone or line: `plaza-00h00m12.400s-crossed-Gate.mp4`; with the time of day where that is known. */
export function clipName(counted: CountedRun, row: number, taken: Set<string>): string {
	const { event, place, timeSeconds, recordedAt } = eventRecord(counted, row);
	const words = [event, ...(place === null ? [] : [place])];
	return fileName(counted.run, { timeSeconds, recordedAt }, words, 'mp4', taken);
}

/**
 * The name of a file about a moment of a run's video: `plaza-00h00m12.400s-person-12.jpg`; with the time of day where that is known.
 * Words that others have taken get a number.
 */
export function fileName(
	{ header: { video } }: Pick<StoredRun, 'header'>,
	{ timeSeconds, recordedAt }: { timeSeconds: number; recordedAt?: string | undefined },
	words: readonly string[],
	extension: string,
	taken: Set<string>,
): string {
	const time = recordedAt?.slice(0, 23).replaceAll(':', '') ?? clock(timeSeconds);
	const stem = [plain(basename(video.path, extname(video.path))), time, ...words.map(plain)].join('-');
	let name = `${stem}.${extension}`;
	for (let i = 2; taken.has(name.toLowerCase()); i++) name = `${stem}-${i}.${extension}`;
	taken.add(name.toLowerCase());
	return name;
}

function clock(seconds: number): string {
	const milliseconds = Math.round(Math.max(0, seconds) * 1000);
	const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
	const rest = ((milliseconds % 60_000) / 1000).toFixed(3).padStart(6, '0');
	return `${two(milliseconds / 3_600_000)}h${two((milliseconds / 60_000) % 60)}m${rest}s`;
}

/** Letters, digits and a few signs; never hidden, never another folder. */
function plain(name: string): string {
	const kept = name.replace(/[^\p{L}\p{N}._ -]+/gu, '_').replace(/^[. ]+|[. ]+$/g, '');
	return [...kept].slice(0, MOST_CHARACTERS).join('') || '_';
}

import { type Command, Option } from 'commander';
import { basename, extname, resolve } from 'node:path';
import type { AnalysisJob } from '../analysis/protocol.ts';
import type { TruthOptions } from '../evaluation/ground-truth/ground-truth.ts';
import { AUTO } from '../execution/choice.ts';
import { ON_CPU, type Precision, PRECISIONS } from '../domain/execution.ts';
import { findModel } from '../models/catalog.ts';
import { parseInteger, parseNumber, parseRange } from './arguments.ts';
import type { Console } from './console.ts';
import type { Interruption } from './interruption.ts';
import { dataFolders } from '../process/data-folders.ts';
import { shortName } from '../process/short-name.ts';

/** What every command's action is given beside its own arguments; it returns the exit code. */
export type Session = { console: Console; interruption: Interruption };

/** Adds a command whose action returns an exit code, below the program or another command. */
export type AddCommand = <Words extends unknown[]>(
	name: string,
	define: (command: Command) => Command,
	run: (...words: [...Words, Session]) => Promise<number>,
) => Command;

/** Options of the commands that analyse, as commander hands them over. */
export type AnalysisOptions = {
	model: string;
	from?: string;
	to?: string;
	every?: string;
	provider: string;
	precision?: Precision;
	threads?: string;
	maxSide?: string;
	score?: string;
	overwrite?: true;
	resume?: true;
};

export function addAnalysisOptions(command: Command): Command {
	return addRunOptions(command)
		.option('--overwrite', 'replace an earlier run in the same folder')
		.option('--resume', 'go on with an unfinished run in the same folder');
}

/** What a run is made with. */
export function addRunOptions(command: Command): Command {
	return command
		.option('--model <id or path>', 'a model of "sparsight models", or a model\'s folder or file', 'lookout')
		.option('--from <position>', 'first frame: an index (120) or a time (12.5s, 1:02.500)')
		.option('--to <position>', 'last frame, included: an index or a time')
		.option('--every <n>', 'analyse every n-th frame of the range', '1')
		.option(
			'--provider <name>',
			'what to run on: auto (the fastest on this machine), cpu, or another one of "sparsight doctor"',
			AUTO,
		)
		.addOption(
			new Option(
				'--precision <type>',
				'what linear layers are computed in, and large attention and the memory of the token cache where the processor multiplies bytes: int8 is faster and rounds (default: float32)',
			).choices(PRECISIONS),
		)
		.option(
			'--threads <n>',
			'threads of the inference runtime (default: the cores, one less of more than two, at most 8)',
		)
		.option('--max-side <pixels>', "longer side of the network's input; smaller pictures stay as they are")
		.option('--score <threshold>', 'lowest score that is stored, 0 to 1 (default: 0.05)');
}

/** The option of commands that read ground truth, for commander. */
export const TRUTH_FROM = [
	'--truth-from <number>',
	"the truth's number of the first frame (default: 1 in MOT texts, 0 otherwise)",
] as const;

/** The option of commands that read a stored run's video, for commander. */
export const MOVED_VIDEO = [
	'--video <file>',
	'where the video lies now (default: where it was analysed); it has to be the same',
] as const;

/** What that option says, for `openRun`. */
export function movedVideo({ video }: { video?: string }): string | undefined {
	return video === undefined ? undefined : resolve(video);
}

export function truthOptions({ truthFrom }: { truthFrom?: string }): TruthOptions {
	return truthFrom === undefined ? {} : { firstFrame: parseInteger(truthFrom, '--truth-from', 0, 1e6) };
}

/** Throws bad-argument. */
export function checkedNumbers({
	threads,
	maxSide,
	score,
}: AnalysisOptions): Pick<AnalysisJob, 'threads' | 'maxSide' | 'scoreThreshold'> {
	return {
		threads: threads === undefined ? null : parseInteger(threads, '--threads', 1, 256),
		maxSide: maxSide === undefined ? null : parseInteger(maxSide, '--max-side', 32, 8192),
		scoreThreshold: score === undefined ? null : parseNumber(score, '--score', 0, 1),
	};
}

/** The part of a job that does not depend on mode and folder. */
export type CommonJob = Omit<AnalysisJob, 'mode' | 'settings' | 'runFolder' | 'start'>;

/** Checks the options. */
export async function commonJob(videoPath: string, options: AnalysisOptions): Promise<CommonJob> {
	return {
		// Whole: a run is exported from other folders, too.
		videoPath: resolve(videoPath),
		modelPath: await findModel(options.model),
		range: parseRange(options),
		...checkedNumbers(options),
		execution: options.precision === undefined ? null : { ...ON_CPU, precision: options.precision },
		wantsFrames: false,
		cacheFolder: dataFolders().cache,
	};
}

/** The default path of results: in the current folder, named after the video, by the beginning of a name that is too long. */
export function defaultOut(videoPath: string, ending: string): string {
	const path = resolve(videoPath); // of a folder that is called “.”, too
	return shortName(basename(path, extname(path)), `-${ending}`);
}

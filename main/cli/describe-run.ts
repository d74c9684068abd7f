import { executionWords } from '../domain/execution-words.ts';
import type { SettingValues } from '../domain/settings-table.ts';
import type { DecodeSummary } from '../domain/video.ts';
import { shortfallSentence } from '../domain/shortfall.ts';
import type { RunStatus } from '../domain/run.ts';
import type { RunSummary } from '../results/summary.ts';
import type { StoredRun } from '../results/stored-run.ts';
import type { Console } from './console.ts';
import type { TextColumn } from './text-table.ts';

/** A run, for `--json`. */
export type RunDescription = RunSummary & {
	video: string;
	model: string;
	mode: string;
	settings: SettingValues;
	runPath: string;
	state: RunStatus['state'];
	framesPerSecond: number;
	decode: DecodeSummary | null;
};

export function describeRun(run: StoredRun): RunDescription {
	const summary = run.summary();
	return {
		video: run.header.video.path,
		model: run.header.model.id,
		mode: run.header.mode,
		settings: run.header.settings,
		...summary,
		framesPerSecond: summary.wallSeconds > 0 ? summary.frames / summary.wallSeconds : 0,
		runPath: run.folder,
		state: run.status.state,
		decode: run.status.decode,
	};
}

/** Says what answers about a run that is not complete, or was damaged, are about. */
export function noteUnfinished({ folder, status, frameCount }: StoredRun, console: Console): void {
	if (status.state === 'complete') return;
	const frames = frameCount === 1 ? 'frame' : 'frames';
	console.note(
		`${folder} is not complete: what follows is of the ${frameCount} ${frames} that are stored; "analyze --resume" goes on.`,
	);
}

/** The warnings of runs whose budget was too small, a line each; empty without any. */
export function warningLines(runs: readonly WarnedRun[]): string {
	return runs
		.map(({ label, run, measured = null }) => {
			const warning = run.drift?.warning;
			return warning ? `${label}: ${shortfallSentence(warning, 'en', measured)}\n` : '';
		})
		.join('');
}

/** `measured`: its agreement with a dense run, F1, where that is known. */
type WarnedRun = { label: string; run: RunDescription; measured?: number | null };

/** Columns of every table of runs. */
export const RUN_COLUMNS: readonly TextColumn<{ label: string; run: RunDescription }>[] = [
	{ title: 'run', align: 'left', cell: ({ label }) => label },
	{
		title: 'on',
		align: 'left',
		cell: ({ run }) => executionWords(run, run.executionChanges, 'en'),
	},
	{ title: 'frames', align: 'right', cell: ({ run }) => String(run.frames) },
	{ title: 'frames/s', align: 'right', cell: ({ run }) => run.framesPerSecond.toFixed(1) },
	{ title: 'decode ms', align: 'right', cell: ({ run }) => run.msPerFrame.decode.toFixed(1) },
	{ title: 'prepare', align: 'right', cell: ({ run }) => run.msPerFrame.prepare.toFixed(1) },
	{ title: 'select', align: 'right', cell: ({ run }) => run.msPerFrame.select.toFixed(1) },
	{ title: 'run', align: 'right', cell: ({ run }) => run.msPerFrame.run.toFixed(1) },
	{ title: 'interpret', align: 'right', cell: ({ run }) => run.msPerFrame.interpret.toFixed(1) },
	{ title: 'total', align: 'right', cell: ({ run }) => run.msPerFrame.total.toFixed(1) },
	{ title: 'GMAC/frame', align: 'right', cell: ({ run }) => run.gmacPerFrame.mean.toFixed(2) },
	{
		title: 'behind',
		align: 'right',
		cell: ({ run }) => (run.gmacPerFrame.behind > 0 ? run.gmacPerFrame.behind.toFixed(2) : ''),
	},
	{
		title: 'tokens',
		align: 'right',
		cell: ({ run }) => `${((100 * run.tokens.meanSelected) / run.tokens.total).toFixed(1)} %`,
	},
	{
		title: 'waiting',
		align: 'right',
		cell: ({ run }) =>
			run.drift ? `${((100 * run.drift.waiting.meanTokens) / run.tokens.total).toFixed(1)} %` : '',
	},
	{ title: 'est. F1', align: 'right', cell: ({ run }) => run.drift?.agreement.mean.toFixed(3) ?? '' },
	{ title: 'lowest', align: 'right', cell: ({ run }) => run.drift?.agreement.lowest.toFixed(3) ?? '' },
	{ title: 'audits', align: 'right', cell: ({ run }) => run.drift?.audits.count.toString() ?? '' },
	{ title: 'stale boxes', align: 'right', cell: ({ run }) => run.drift?.staleBoxes.toString() ?? '' },
];

import { rm } from 'node:fs/promises';
import { agreement } from '../../main/evaluation/agreement.ts';
import type { RunSummary } from '../../main/results/summary.ts';
import { ON_CPU, type Precision } from '../../main/domain/execution.ts';
import type { Subject } from './subjects.ts';
import { median } from '../machine.ts';
import { recordRun } from '../pipeline.ts';
import { benchTransformer, cached, DENSE } from '../transformers.ts';

/** One model in one mode, on one provider, in one precision. */
export type PageRow = {
	model: string;
	mode: string;
	provider: string;
	precision: Precision;
	/** Milliseconds of the first frame, from asking for it to its answer; null where frames are made up. */
	firstMs: number | null;
	/** Milliseconds of select and run of a later frame: the mean over a video, as operations are; of made-up frames, the median. */
	laterMs: number;
	/** Of later frames, median; null where only select and run are timed. */
	stagesMs: RunSummary['medianMsPerFrame'] | null;
	gmac: number;
	/** Multiply-adds of dense over this row's: how many times as fast it would be if only they took time. */
	ideal: number;
	/** Dense in float32 on the same provider over this row, median of rounds in turn. */
	reached: number;
	/** F1 with dense in float32; null for random weights. */
	agreement: number | null;
	peakMemoryMib: number | null;
};

export type PageOptions = { threads: number; rounds: number; videoPath: string; modelPath: string };

const MODES: readonly { mode: string; settings: Record<string, number> }[] = [
	{ mode: 'dense', settings: {} },
	{ mode: 'token-cache', settings: { fraction: 0.1, audits: 0 } },
	{ mode: 'eventful', settings: { fraction: 0.1, audits: 0 } },
	{ mode: 'sparse', settings: { keep: 0.1 } },
	{ mode: 'enact', settings: {} },
];
const PRECISIONS: readonly Precision[] = ['float32', 'int8'];
const LANES = MODES.flatMap((mode) => PRECISIONS.map((precision) => ({ ...mode, precision })));

const titleOf = ({ mode, settings }: (typeof LANES)[number]) =>
	Object.keys(settings).length > 0 ? `${mode}, 10 %` : mode;

/** Whole runs of a real model over a video, each in a process of its own, in turn; the first is dense in float32. */
export async function measureRuns(options: PageOptions): Promise<PageRow[]> {
	const rounds: Awaited<ReturnType<typeof recordRun>>[][] = [];
	try {
		for (let round = 0; round < options.rounds; round++) {
			const runs: (typeof rounds)[number] = [];
			rounds.push(runs);
			for (const { mode, settings, precision } of LANES) {
				const configuration = { label: mode, mode, settings, execution: { ...ON_CPU, precision } };
				runs.push(await recordRun({ ...options, configuration }));
			}
		}
		return LANES.map((lane, i): PageRow => {
			const mine = rounds.map((runs) => runs[i]!);
			const summaries = mine.map(({ run }) => run.summary());
			const dense = rounds.map(([first]) => first!.run.summary());
			const later = ({ msPerFrame }: (typeof summaries)[number]) => msPerFrame.select + msPerFrame.run;
			const { gmacPerFrame, medianMsPerFrame } = summaries[0]!;
			return {
				model: 'Lookout, sample clip',
				mode: titleOf(lane),
				...{ provider: ON_CPU.provider, precision: lane.precision },
				firstMs: median(summaries.map(({ firstFrameMs }) => firstFrameMs.total)),
				laterMs: median(summaries.map(later)),
				stagesMs: medianMsPerFrame,
				gmac: gmacPerFrame.mean,
				ideal: gmacPerFrame.dense / gmacPerFrame.mean,
				reached: median(summaries.map((summary, round) => later(dense[round]!) / later(summary))),
				agreement: agreement(mine[0]!.run, rounds[0]![0]!.run).f1,
				peakMemoryMib: Math.max(...mine.map(({ peakMemoryMib }) => peakMemoryMib)),
			};
		});
	} finally {
		for (const { folder } of rounds.flat()) await rm(folder, { recursive: true, force: true });
	}
}

/** A transformer of random weights over frames that are made up, all lanes in turn in one process. */
export async function measureTransformer(
	subject: Subject,
	{ threads, rounds }: PageOptions,
): Promise<PageRow[]> {
	const tenth = cached(0.1);
	const lanes = [DENSE, tenth].flatMap((lane) => PRECISIONS.map((precision) => ({ ...lane, precision })));
	const rows = await benchTransformer(subject.host(), lanes, { threads, rounds });
	const dense = rows[0]!.gmac;
	return rows.map(({ gmac, runMs, speedup }, i) => ({
		model: subject.title,
		mode: lanes[i]!.mode === 'dense' ? 'dense' : 'token-cache, 10 %',
		...{ provider: ON_CPU.provider, precision: lanes[i]!.precision },
		...{ firstMs: null, laterMs: runMs, stagesMs: null, gmac },
		...{ ideal: dense / gmac, reached: speedup, agreement: null, peakMemoryMib: null },
	}));
}

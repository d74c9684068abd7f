import type { Command } from 'commander';
import { coverageSentences } from '../domain/truth-coverage.ts';
import { evaluateRun, type Accuracy, type Evaluation } from '../evaluation/evaluate-run.ts';
import { readGroundTruth } from '../evaluation/ground-truth/index.ts';
import { openRun } from '../results/stored-run.ts';
import { EXIT } from './exit-codes.ts';
import { truthOptions, TRUTH_FROM, type Session } from './options.ts';
import { formatTable } from './text-table.ts';

export function defineEvaluate(command: Command): Command {
	return command
		.description('measure a stored run against ground truth')
		.argument('<run>', 'folder of a run')
		.requiredOption(
			'--truth <file>',
			'MOT or VisDrone text, COCO JSON, or one of the XML files of a VOC folder',
		)
		.option(...TRUTH_FROM);
}

export async function evaluateCommand(
	folder: string,
	options: { truth: string; truthFrom?: string },
	session: Session,
): Promise<number> {
	const run = await openRun(folder);
	const truth = readGroundTruth(options.truth, truthOptions(options));
	const evaluation = evaluateRun(run, truth);
	session.console.result(
		{ runPath: run.folder, truth: options.truth, ...evaluation },
		formatEvaluation(evaluation),
	);
	return EXIT.ok;
}

type Row = Accuracy & { name: string; truthCount: number | null; displayThreshold: number | null };

function formatEvaluation(evaluation: Evaluation): string {
	const { classes, mean, truthPath } = evaluation;
	const rows: Row[] = [
		...classes.map((entry) => ({ ...entry, name: entry.className })),
		{ ...mean, name: 'mean', truthCount: null, displayThreshold: null },
	];
	const accuracy = (title: string, name: keyof Accuracy) =>
		({ title, align: 'right', cell: (row: Row) => row[name]?.toFixed(3) ?? '-' }) as const;
	const table = formatTable<Row>(
		[
			{ title: 'class', align: 'left', cell: ({ name }) => name },
			{ title: 'objects', align: 'right', cell: ({ truthCount }) => truthCount?.toString() ?? '' },
			accuracy('AP50', 'ap50'),
			accuracy('AP50:95', 'ap50to95'),
			accuracy('AP50 all-point', 'ap50AllPoint'),
			{
				title: 'shown from',
				align: 'right',
				cell: ({ displayThreshold }) => displayThreshold?.toString() ?? '',
			},
			accuracy('precision', 'precision'),
			accuracy('recall', 'recall'),
		],
		rows,
	);
	const coverage = coverageSentences(evaluation, 'en').map((sentence) => `${sentence}\n`);
	return `${coverage.join('')}${table}Truth: ${truthPath}; precision and recall of what is shown\n`;
}

import type { Command } from 'commander';
import type { Finding } from '../parity/findings.ts';
import { type CaseResult, findCases, runCase } from '../parity/index.ts';
import { EXIT } from './exit-codes.ts';
import type { Session } from './options.ts';
import { formatTable } from './text-table.ts';

export function defineParity(command: Command): Command {
	return command
		.description('hold our computation against cases made by the published code')
		.argument('<case...>', 'folders of cases, or folders that hold such folders');
}

export async function parityCommand(folders: string[], _options: object, session: Session): Promise<number> {
	const results: CaseResult[] = [];
	for (const folder of folders) {
		for (const path of await findCases(folder)) {
			const result = await runCase(path);
			if (!session.console.json) session.console.note(`${path}: ${result.passed ? 'pass' : 'FAIL'}`);
			results.push(result);
		}
	}
	const passed = results.every((result) => result.passed);
	session.console.result({ passed, cases: results }, results.map(formatResult).join('\n'));
	return passed ? EXIT.ok : EXIT.internal;
}

function formatResult(result: CaseResult): string {
	const rows = formatTable<Finding>(
		[
			{ title: 'output', align: 'left', cell: ({ output }) => output },
			{ title: 'numbers', align: 'right', cell: ({ elements }) => String(elements) },
			{ title: 'largest abs', align: 'right', cell: (row) => shown(row, row.largestAbsolute) },
			{ title: 'largest rel', align: 'right', cell: (row) => shown(row, row.largestRelative) },
			{ title: 'rule', align: 'left', cell: ({ rule }) => rule },
			{
				title: '',
				align: 'left',
				cell: ({ passed, remark }) => `${passed ? 'pass' : 'FAIL'}${remark ? ` (${remark})` : ''}`,
			},
		],
		result.findings,
	);
	return `${result.system}/${result.case}: ${result.passed ? 'pass' : 'FAIL'}\n${rows}`;
}

function shown({ elements }: Finding, value: number): string {
	return elements === 0 || Number.isNaN(value) ? '-' : value.toExponential(1);
}

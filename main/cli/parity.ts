import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type ErrorData, errorToData } from '../domain/errors.ts';
import type { Finding } from '../parity/findings.ts';
import { type CaseResult, findCases, runCase } from '../parity/index.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import type { Session } from './options.ts';
import { formatTable } from './text-table.ts';

export function defineParity(command: Command): Command {
	return command
		.description('hold our computation against cases made by the published code')
		.argument('<case...>', 'folders of cases, or folders that hold such folders');
}

/** A case that could not be run. */
type Refusal = { folder: string; passed: false; error: Omit<ErrorData, 'stack'> };

export async function parityCommand(folders: string[], _options: object, session: Session): Promise<number> {
	const paths: string[] = [];
	for (const folder of folders) paths.push(...(await findCases(folder)));
	const results: (CaseResult | Refusal)[] = [];
	const errors: unknown[] = [];
	for (const path of paths) {
		const result = await runCase(path).catch((error: unknown): Refusal => {
			if (paths.length === 1) throw error;
			errors.push(error);
			const { code, message, remedy } = errorToData(error);
			return { folder: resolve(path), passed: false, error: { code, message, remedy } };
		});
		const verdict = 'error' in result ? refusal(result.error) : result.passed ? 'pass' : 'FAIL';
		if (!session.console.json) session.console.note(`${path}: ${verdict}`);
		results.push(result);
	}
	const passed = results.every((result) => result.passed);
	session.console.result(
		{ passed, cases: results },
		results.flatMap((result) => ('error' in result ? [] : formatResult(result))).join('\n'),
	);
	if (errors.length > 0) return Math.min(...errors.map(exitCodeOf)); // a mistake of ours counts before a case that can't be read
	return passed ? EXIT.ok : EXIT.internal;
}

/** A mistake of ours is no fault of the case. */
export function refusal({ code, message }: Refusal['error']): string {
	return code === 'internal' ? `FAIL, by a mistake of Sparsight: ${message}` : message;
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

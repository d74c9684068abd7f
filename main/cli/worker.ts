import type { Command } from 'commander';
import { resolve } from 'node:path';
import { UserFacingError } from '../domain/errors.ts';
import { workOff } from '../batch/work.ts';
import { showBatch } from './batch-display.ts';
import { EXIT } from './exit-codes.ts';
import type { Session } from './options.ts';
import { openQueue, parsePatience, PATIENCE_OPTION, QUEUE_OPTION } from './queue-option.ts';
import { openWork } from './work.ts';

type Options = { queue?: string; runs?: string; patience: string };

export function defineWorker(command: Command): Command {
	return command
		.description('do the jobs that "batch --queue" has put into a queue, until it is ended by Ctrl+C')
		.option(...QUEUE_OPTION)
		.option(
			'--runs <folder>',
			"where the batches' folders lie on this machine (default: at the same path as where the batch was started)",
		)
		.option(...PATIENCE_OPTION);
}

export async function workerCommand(options: Options, session: Session): Promise<number> {
	const { queue: address, runs } = options;
	const { console, interruption } = session;
	if (address === undefined) {
		throw new UserFacingError('bad-argument', '--queue is needed: the address of Redis, redis://host:port.');
	}
	const display = showBatch(null);
	const { worker, dependencies, listener } = openWork(display, console);
	interruption.beforeExit(() => worker.close());
	const queue = await openQueue(address, {
		runs: runs === undefined ? null : resolve(runs),
		note: (line) => display.note(line),
		signal: interruption.signal,
		pulse: parsePatience(options.patience),
	});
	let done = 0;
	const counted: typeof listener = {
		...listener,
		onEnd: (job, outcome) => {
			if (outcome) done++;
			listener.onEnd?.(job, outcome);
		},
	};
	try {
		display.note('Waiting for jobs; Ctrl+C ends.');
		await workOff(queue, dependencies, counted, interruption.signal, { stays: true });
	} finally {
		worker.close();
		await queue.close();
		display.stop();
	}
	console.result({ done }, `${done} jobs done.\n`);
	return EXIT.ok;
}

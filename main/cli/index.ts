import { Command, CommanderError } from 'commander';
import { UserFacingError } from '../domain/errors.ts';
import { PRODUCT_VERSION } from '../process/product-version.ts';
import { analyzeCommand, defineAnalyze } from './analyze.ts';
import { batchCommand, defineBatch } from './batch.ts';
import { clipsCommand, defineClips } from './clips.ts';
import { compareCommand, defineCompare } from './compare.ts';
import { openConsole } from './console.ts';
import { countCommand, defineCount } from './count.ts';
import { defineDoctor, doctorCommand } from './doctor.ts';
import { defineEvaluate, evaluateCommand } from './evaluate.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { defineExport, exportCommand } from './export.ts';
import { failureOf, listenForInterruption } from './interruption.ts';
import { addModelsCommands } from './models/index.ts';
import { defineModels, modelsCommand } from './models/overview.ts';
import type { AddCommand, Session } from './options.ts';
import { defineSweep, sweepCommand } from './sweep.ts';
import { defineTracks, tracksCommand } from './tracks.ts';
import { defineParity, parityCommand } from './parity.ts';
import { defineWorker, workerCommand } from './worker.ts';

/** Runs the command line; `words` are the arguments after the program's name. Returns the exit code. */
export async function runCli(words: readonly string[]): Promise<number> {
	const flag = (name: string) => words.includes(name);
	const console = openConsole({ json: flag('--json'), verbose: flag('--verbose') });
	const session: Session = { console, interruption: listenForInterruption() };
	let exitCode: number = EXIT.ok;
	const program = buildProgram(session, (code) => {
		exitCode = code;
	});
	try {
		await program.parseAsync(words, { from: 'user' });
		return exitCode;
	} catch (error) {
		if (error instanceof CommanderError) {
			if (error.exitCode === 0) return EXIT.ok; // --help and --version
			const failure = usageError(error);
			console.failure(failure);
			return exitCodeOf(failure);
		}
		const failure = failureOf(error, session.interruption);
		console.failure(failure);
		return exitCodeOf(failure);
	}
}

function buildProgram(session: Session, finish: (exitCode: number) => void): Command {
	const program = new Command('sparsight')
		.description('Video analysis that recomputes only what changed')
		.version(PRODUCT_VERSION)
		.exitOverride()
		// Usage errors are printed once, like every other error.
		.configureOutput({ writeErr: () => undefined })
		.showSuggestionAfterError();
	const below =
		(parent: Command): AddCommand =>
		<Words extends unknown[]>(
			name: string,
			define: (command: Command) => Command,
			run: (...words: [...Words, Session]) => Promise<number>,
		) => {
			const action = async (...given: unknown[]) => {
				const words = given.slice(0, -1) as Words; // the last argument is the command itself
				finish(await run(...words, session));
			};
			return define(parent.command(name))
				.option('--json', 'print one JSON object on stdout, and nothing else there')
				.option('--verbose', 'tell more on stderr: stack traces, the log of the worker')
				.action(action);
		};
	const add = below(program);
	add('analyze', defineAnalyze, analyzeCommand);
	add('compare', defineCompare, compareCommand);
	add('sweep', defineSweep, sweepCommand);
	add('batch', defineBatch, batchCommand);
	add('worker', defineWorker, workerCommand);
	add('count', defineCount, countCommand);
	add('clips', defineClips, clipsCommand);
	add('evaluate', defineEvaluate, evaluateCommand);
	add('export', defineExport, exportCommand);
	add('tracks', defineTracks, tracksCommand);
	const models = add('models', defineModels, (_options: object, given: Session) => modelsCommand(given));
	addModelsCommands(below(models));
	add('parity', defineParity, parityCommand);
	add('doctor', defineDoctor, (_options: object, given: Session) => doctorCommand(given));
	return program;
}

function usageError(error: CommanderError): UserFacingError {
	const message = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
	const sentence = error.code === 'commander.help' ? 'A command was expected' : message;
	return new UserFacingError('bad-argument', sentence.endsWith('.') ? sentence : `${sentence}.`, {
		remedy: 'Run "sparsight --help", or "sparsight <command> --help", to see what there is.',
	});
}

import { inspect } from 'node:util';
import { errorToData } from '../domain/errors.ts';

/** The output of a command: results on stdout, everything else on stderr. */
export type Console = {
	/** Prints one JSON object on stdout and nothing else. */
	readonly json: boolean;
	readonly verbose: boolean;
	/** Prints the result: `data` with --json, otherwise `text`. */
	result(data: object, text: string): void;
	/** Prints a line for the user on stderr. */
	note(line: string): void;
	failure(error: unknown): void;
};

export function openConsole(options: { json: boolean; verbose: boolean }): Console {
	const toStdout = (text: string) => void process.stdout.write(harmless(text));
	const toStderr = (text: string) => void process.stderr.write(harmless(text));
	return {
		...options,
		result: (data, text) => toStdout(options.json ? `${JSON.stringify(data, null, '\t')}\n` : text),
		note: (line) => toStderr(`${line}\n`),
		failure(error) {
			const { code, message, remedy, stack } = errorToData(error);
			if (options.json) toStdout(`${JSON.stringify({ error: { code, message, remedy } }, null, '\t')}\n`);
			toStderr(`sparsight: ${code === 'internal' ? `internal error: ${message}` : message}\n`);
			if (remedy !== null) toStderr(`${remedy}\n`);
			if (options.verbose) {
				if (stack !== null) toStderr(`${stack}\n`);
				for (let cause = causeOf(error); cause !== undefined; cause = causeOf(cause)) {
					toStderr(`caused by ${cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause)}\n`);
				}
			}
		},
	};
}

/** Without what would steer a terminal: names, titles and paths come from files of others. */
export function harmless(text: string): string {
	return text.replace(/[^\P{Cc}\n\t]/gu, '\ufffd');
}

/** `harmless`, on one line: names of files may hold line breaks. */
export function harmlessLine(text: string): string {
	return text.replace(/\p{Cc}/gu, '\ufffd');
}

function causeOf(error: unknown): unknown {
	return error instanceof Error ? error.cause : undefined;
}

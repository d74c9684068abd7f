import { Presets, SingleBar } from 'cli-progress';

/** Between two lines in a log; a terminal gets a bar instead. */
const LOG_MILLISECONDS = 5000;

export type ProgressDisplay = {
	/** `total` is null if unknown; `extra` is appended to the line. */
	update(done: number, total: number | null, extra: string): void;
	/** Prints a line of its own, at once. */
	note(line: string): void;
	stop(): void;
};

/** Progress of one task on stderr: a bar on a terminal, otherwise a line every few seconds. */
export function showProgress(title: string): ProgressDisplay {
	return process.stderr.isTTY ? terminalBar(title) : logLines(title);
}

function terminalBar(title: string): ProgressDisplay {
	const bar = new SingleBar(
		{
			stream: process.stderr,
			format: `${title} {bar} {percentage}% {value}/{total} {extra}`,
			hideCursor: true,
			clearOnComplete: true,
			stopOnComplete: false,
		},
		Presets.shades_classic,
	);
	bar.start(1, 0, { extra: '' });
	return {
		update(done, total, extra) {
			bar.setTotal(total ?? Math.max(1, done));
			bar.update(done, { extra });
		},
		note(line) {
			process.stderr.write(`\r\u001B[K${line}\n`); // over the bar, which is drawn again below
		},
		stop: () => bar.stop(),
	};
}

function logLines(title: string): ProgressDisplay {
	let last = performance.now();
	return {
		update(done, total, extra) {
			if (performance.now() - last < LOG_MILLISECONDS) return;
			last = performance.now();
			process.stderr.write(`${title}: ${done}${total === null ? '' : ` of ${total}`} ${extra}\n`);
		},
		note: (line) => void process.stderr.write(`${line}\n`),
		stop: () => undefined,
	};
}

/** `3.4 s left`, `12 min left`, or nothing if unknown. */
export function formatTimeLeft(seconds: number | null): string {
	if (seconds === null) return '';
	if (seconds < 90) return `${Math.ceil(seconds)} s left`;
	return seconds < 5400 ? `${Math.round(seconds / 60)} min left` : `${(seconds / 3600).toFixed(1)} h left`;
}

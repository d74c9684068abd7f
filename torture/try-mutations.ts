import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Attempts } from './attempts.ts';
import type { MutationNews, MutationOrder } from './mutation-process.ts';
import { SUBJECTS, type SubjectName } from './subjects.ts';

/** Of one kind of file. */
export type MutationFigures = {
	title: string;
	tried: number;
	read: number;
	refused: number;
	failures: readonly Failure[];
	/** Of the process that reads, and of what it starts. */
	largestBytes: number;
	longestMilliseconds: number;
};

type Failure = { index: number; what: string; keptAs: string };

/** A file may take no more memory than this. */
const MOST_BYTES = 2 * 2 ** 30;
const PER_PROCESS = 100;
const LOOK_MILLISECONDS = 100;

/** Tries `count` files, from number `from` on, in processes of their own; keeps what fails in `out`. */
export async function tryMutations(
	subject: SubjectName,
	{
		seed,
		from,
		count,
		entry,
		out,
	}: { seed: number; from: number; count: number; entry: string; out: string },
): Promise<MutationFigures> {
	const figures = { tried: 0, read: 0, refused: 0, largestBytes: 0, longestMilliseconds: 0 };
	const failures: Failure[] = [];
	const attempts = await Attempts.of(SUBJECTS[subject], seed);
	mkdirSync(out, { recursive: true });
	const end = from + count;
	const keep = (index: number, what: string, content: Uint8Array, name: string) => {
		const keptAs = join(out, `${subject}-${seed}-${index}${extname(name)}`);
		writeFileSync(keptAs, content);
		writeFileSync(`${keptAs}.txt`, `${what}\n`);
		return { index, what, keptAs };
	};
	for (let next = from; next < end;) {
		const order = { subject, seed, from: next, to: Math.min(end, next + PER_PROCESS) };
		let fault: string | null = null;
		const ended = await followProcess(entry, order, SUBJECTS[subject].mostMilliseconds, (news) => {
			if (news.type === 'begun') next = news.index;
			if (news.type === 'tried') {
				next = news.index + 1;
				figures.tried++;
				figures.longestMilliseconds = Math.max(figures.longestMilliseconds, news.milliseconds);
				fault = news.fault;
				if (fault === null) figures[news.refused ? 'refused' : 'read']++;
			}
			if (news.type === 'minimal') failures.push(keep(news.index, fault ?? '', news.content, news.name));
		});
		figures.largestBytes = Math.max(figures.largestBytes, ended.largestBytes);
		if (ended.fault === null) continue;
		figures.tried++;
		const { name, content } = attempts.mutant(next);
		failures.push(keep(next, ended.fault, content, name));
		next++;
	}
	attempts.remove();
	return { title: SUBJECTS[subject].title, ...figures, failures };
}

/** Resolves when the process has ended; `fault`: how, if it was not done. */
function followProcess(
	entry: string,
	order: MutationOrder,
	mostMilliseconds: number,
	onNews: (news: MutationNews) => void,
): Promise<{ fault: string | null; largestBytes: number }> {
	const child = fork(entry, [], {
		serialization: 'advanced',
		stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
		detached: true,
	});
	let said = '';
	child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
	let fault: string | null = 'the process ended';
	let largestBytes = 0;
	let since = performance.now();
	const fail = (what: string) => {
		fault = what;
		kill(child);
	};
	const watch = setInterval(() => {
		const bytes = bytesOf(child.pid!);
		largestBytes = Math.max(largestBytes, bytes);
		if (bytes > MOST_BYTES) fail(`more memory than ${MOST_BYTES / 2 ** 30} GiB`);
		else if (performance.now() - since > mostMilliseconds) fail(`not done in ${mostMilliseconds / 1000} s`);
	}, LOOK_MILLISECONDS);
	child.on('message', (message) => {
		const news = message as MutationNews;
		since = performance.now();
		if (news.type === 'done') fault = null;
		if (news.type === 'tried') largestBytes = Math.max(largestBytes, news.largestBytes);
		onNews(news);
	});
	child.send(order);
	return new Promise((resolve) =>
		child.once('close', (code, signal) => {
			clearInterval(watch);
			const how = `${fault}, ${signal ?? `exit code ${code}`}: ${said}`;
			resolve({ fault: fault === null ? null : how, largestBytes });
		}),
	);
}

function kill(child: ChildProcess): void {
	try {
		process.kill(-child.pid!, 'SIGKILL');
	} catch {
		// It has ended already.
	}
}

const PAGE_BYTES = 4096;

/** Memory of a process and of all that it has started; 0 where the system does not tell (no Linux). */
function bytesOf(pid: number): number {
	try {
		const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
		const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
		return children.reduce((sum, child) => sum + bytesOf(Number(child)), pages * PAGE_BYTES);
	} catch {
		return 0;
	}
}

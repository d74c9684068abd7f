import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describeMachine, type Machine } from '../bench/machine.ts';
import type { BatchKillFigures } from './batch-kills.ts';
import type { FaultFigures } from './faults.ts';
import { FAULT_KINDS, type FullDiskFigures, isFailure } from './full-disk.ts';
import type { KillFigures } from './kills.ts';
import type { LongRunFigures } from './long-run.ts';
import type { MutationFigures } from './try-mutations.ts';

/** By part, what it found. */
export type Findings = {
	kills: KillFigures[];
	batches: BatchKillFigures[];
	faults: FaultFigures[];
	disk: FullDiskFigures[];
	mutations: MutationFigures[];
	'long-run': LongRunFigures;
};
export type Part = keyof Findings;

const MIB = 2 ** 20;

const WORDS: { [P in Part]: { title: string; lines(found: Findings[P]): string[] } } = {
	kills: {
		title: 'Killed at moments of chance (kill -9)',
		lines: (found) => [
			'What is stored reads back as the beginning of an undisturbed run; gone on with, the run is identical to it. A worker has',
			'told of at most one batch (64 frames) that is not stored. A file under an export’s name is whole, and the next export',
			'takes away what was left beside it.',
			'',
			...table(
				['program', 'killed', 'of these while it worked', 'survived', 'frames told and not stored, at most'],
				found.map(({ program, tried, struck, failures, mostLost }) => [
					program,
					tried,
					struck,
					tried - failures.length,
					program === 'worker' ? mostLost : '–',
				]),
			),
		],
	},
	batches: {
		title: 'Batches that several processes work at, killed at moments of chance (kill -9)',
		lines: (found) => [
			'Every job is done, once, with the frames of an undisturbed run, and nothing is left beside it.',
			'',
			...table(
				['queue', 'kills', 'of', 'failures'],
				found.map(({ queue, tried, killed, failures }) => [
					queue,
					tried,
					Object.entries(killed)
						.map(([name, count]) => `${name} ${count}`)
						.join(', '),
					failures.length,
				]),
			),
		],
	},
	faults: {
		title: 'What goes wrong around a run',
		lines: (found) => [
			'The run ends well or says in one sentence why not; what it stored stays right, and once the fault is gone it goes on to',
			`the same result. ${survivedOf(found.map(({ tried, failures }) => [tried, failures.length]))}`,
			'',
			...table(
				['fault', 'outcome'],
				found.map(({ title, failures, skipped }) => [
					title,
					skipped === null
						? failures[0] === undefined
							? 'survived'
							: `failed: ${line(failures[0])}`
						: `not tried: ${skipped}`,
				]),
			),
		],
	},
	disk: {
		title: 'A disk that is full, or takes no writing, at every file that is written',
		lines: (found) => [
			'One file at a time fails, at its first writing, at its last, when it is flushed or given its name, or because it may not be',
			'made. The program says so in one sentence with the path, or goes on (without caches and conveniences, with all else). What was',
			'whole before stays whole: the next start of the program finds what is stored as it was or as it was to be. Once the fault is',
			'gone, the same process does what was asked, the next start finds it, and nothing is left beside it. Files that ffmpeg and',
			`browsers write meet a small disk; see above. ${survivedOf(found.map(triedAtFile))}`,
			'',
			...table(
				['who writes', 'file', ...FAULT_KINDS],
				found.map(({ writer, file, outcomes }) => [
					writer,
					`\`${file}\``,
					...FAULT_KINDS.map((kind) => {
						const outcome = outcomes[kind];
						if (outcome === undefined) return '–';
						return isFailure(outcome) ? `failed: ${line(outcome.failure)}` : outcome;
					}),
				]),
			),
		],
	},
	mutations: {
		title: 'Mutated files',
		lines: (found) => [
			'Every file is read, or refused in one sentence: no crash, no hang, no stack trace, no more than 2 GiB. Failures are kept in',
			'`torture-output/`, as small as they could be made.',
			'',
			...table(
				['kind of file', 'tried', 'read', 'refused', 'failed', 'largest memory (MiB)', 'longest time (ms)'],
				found.map(({ title, tried, read, refused, failures, largestBytes, longestMilliseconds }) => [
					title,
					tried,
					read,
					refused,
					failures.length,
					Math.round(largestBytes / MIB),
					Math.round(longestMilliseconds),
				]),
			),
		],
	},
	'long-run': {
		title: 'A long run',
		lines: ({ seconds, frames, runs, trends, page }) => [
			`${page ? 'A page that played meanwhile, in Chromium,' : 'A web host without a page'} had ${frames} frames analysed in ${runs} run(s)`,
			`for ${(seconds / 60).toFixed(1)} minutes. Medians of the first and the last third:`,
			'',
			...table(
				['process', 'memory (MiB)', 'handles', 'threads', 'slope (MiB an hour)', 'flat'],
				trends.map(({ process, first, last, mebibytesPerHour, isFlat }) => [
					process,
					`${first.mebibytes.toFixed(0)} → ${last.mebibytes.toFixed(0)}`,
					`${first.handles} → ${last.handles}`,
					`${first.threads} → ${last.threads}`,
					mebibytesPerHour.toFixed(1),
					isFlat ? 'yes' : 'no',
				]),
			),
			...(page
				? [
						'',
						...table(
							['page', 'memory after a collection (MiB)', 'DOM nodes', 'listeners', 'flat'],
							[
								[
									`${page.samples} looks`,
									`${page.first.mebibytes.toFixed(1)} → ${page.last.mebibytes.toFixed(1)}`,
									`${page.first.nodes} → ${page.last.nodes}`,
									`${page.first.listeners} → ${page.last.listeners}`,
									page.isFlat ? 'yes' : 'no',
								],
							],
						),
					]
				: []),
		],
	},
};

function triedAtFile({ outcomes }: FullDiskFigures): [tried: number, failed: number] {
	const all = Object.values(outcomes);
	return [all.length, all.filter(isFailure).length];
}

function survivedOf(counts: readonly (readonly [tried: number, failed: number])[]): string {
	const tried = counts.reduce((sum, [one]) => sum + one, 0);
	const failed = counts.reduce((sum, [, one]) => sum + one, 0);
	return `Tried: ${tried}; survived: ${tried - failed}.`;
}

export const PARTS = Object.keys(WORDS) as Part[];

/** Puts what a part found into the page, in place of what it found before; other parts stay as they are. */
export function writeFindings<P extends Part>(path: string, part: P, found: Findings[P], seed: number): void {
	const sections = existingSections(path);
	const { title, lines } = WORDS[part];
	const when = `${new Date().toISOString().slice(0, 10)}, seed ${seed}, ${machineWords(describeMachine())}.`;
	const fresh = lines(found);
	const kept = part === 'mutations' ? otherRows(sections.get(title) ?? '', fresh) : [];
	sections.set(title, [when, '', ...fresh, ...kept].join('\n'));
	const order = Object.values(WORDS).map((words) => words.title);
	const text = order.flatMap((name) =>
		sections.has(name) ? [`## ${name}`, '', sections.get(name)!, ''] : [],
	);
	mkdirSync(dirname(path), { recursive: true });
	writeFileSync(path, [HEAD, '', ...text].join('\n'));
}

const HEAD = `# What it was put through

Written by \`npm run torture\`: what was really tried, and what came of it. \`npm run torture -- --only kills\` renews one part,
\`--only mutations --subjects zones\` one kind of file.`;

/** The rows of kinds that were not tried again. */
function otherRows(before: string, fresh: readonly string[]): string[] {
	const cellOf = (row: string) => /^\| (.+?) \|/.exec(row)?.[1];
	const known = new Set(fresh.map(cellOf));
	return before.split('\n').filter((row) => /^\| (?!---)/.test(row) && !known.has(cellOf(row)));
}

/** The page's sections by title. */
function existingSections(path: string): Map<string, string> {
	if (!existsSync(path)) return new Map();
	const [, ...sections] = readFileSync(path, 'utf8').split(/^## /m);
	return new Map(
		sections.map((section) => {
			const end = section.indexOf('\n');
			return [section.slice(0, end), section.slice(end).trim()];
		}),
	);
}

function machineWords({ processor, cores, memoryGib, node, platform }: Machine): string {
	return `${processor} (${cores} cores, ${memoryGib} GiB), Node ${node}, ${platform}`;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
	const row = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
	return [row(head), row(head.map(() => '---')), ...rows.map(row)];
}

function line(text: string): string {
	return text.replace(/\s+/g, ' ').replaceAll('|', '/').slice(0, 300);
}

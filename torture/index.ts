import { join } from 'node:path';
import { errorToData } from '../main/domain/errors.ts';
import { installationFolder } from '../main/process/installation.ts';
import { NO_REDIS } from '../main/batch/redis-server.fixture.ts';
import { BatchKillBench, type BatchKillFigures } from './batch-kills.ts';
import { tryFaults } from './faults.ts';
import { isFailure, tryFullDisk } from './full-disk.ts';
import { KILLED_PROGRAMS, KillBench, type KillFigures } from './kills.ts';
import { runLong } from './long-run.ts';
import { parseOptions, type TortureOptions } from './options.ts';
import { SUBJECTS, type SubjectName } from './subjects.ts';
import { writeFindings } from './trust-page.ts';
import { type MutationFigures, tryMutations } from './try-mutations.ts';
import { WRITERS } from './writers/index.ts';

// npm run torture: kills, batches, faults, mutated files and a long run. What it finds goes into docs/trust.md.

const ROOT = installationFolder();
const PAGE = join(ROOT, 'docs', 'trust.md');
const OUT = join(ROOT, 'torture-output');

const options = askedFor(process.argv.slice(2));
const { only: parts, seed } = options;
let failed = false;

if (parts.includes('kills')) {
	const bench = await KillBench.open(seed);
	const found: KillFigures[] = [];
	for (const program of KILLED_PROGRAMS) {
		found.push(await bench.kill(program, Math.ceil(options.kills / KILLED_PROGRAMS.length)));
		tell(`kills, ${program}`, found.at(-1)!);
		writeFindings(PAGE, 'kills', found, seed);
	}
	bench.close();
}
if (parts.includes('batches')) {
	const bench = await BatchKillBench.open(seed);
	const found: BatchKillFigures[] = [];
	for (const queue of ['folder', ...(NO_REDIS === null ? ['redis' as const] : [])] as const) {
		found.push(await bench.kill(queue, options.batchKills));
		tell(`kills of batches, ${queue}`, found.at(-1)!);
		writeFindings(PAGE, 'batches', found, seed);
	}
	if (NO_REDIS !== null) process.stdout.write(`batches by Redis were not tried: ${NO_REDIS}\n`);
	bench.close();
}
if (parts.includes('faults')) {
	const found = await tryFaults(options.stopSeconds, (figures) => tell(figures.title, figures));
	writeFindings(PAGE, 'faults', found, seed);
}
if (parts.includes('disk')) {
	const found = await tryFullDisk(WRITERS, ({ writer, file, outcomes }) => {
		const all = Object.values(outcomes);
		tell(`disk, ${writer}, ${file}`, { tried: all.length, failures: all.filter(isFailure) });
	});
	writeFindings(PAGE, 'disk', found, seed);
}
if (parts.includes('mutations')) {
	const entry = join(import.meta.dirname, 'torture-mutations.js');
	const found: MutationFigures[] = [];
	for (const subject of options.subjects) {
		found.push(await tryMutations(subject, { seed, from: 0, count: options.mutations, entry, out: OUT }));
		tell(`mutations, ${subject}`, found.at(-1)!);
		writeFindings(PAGE, 'mutations', found, seed);
	}
}
if (parts.includes('long-run')) {
	const found = await runLong(3600 * options.hours);
	writeFindings(PAGE, 'long-run', found, seed);
	process.stdout.write(`long run: ${JSON.stringify(found.trends)}\n`);
	process.stdout.write(`page: ${JSON.stringify(found.page)}\n`);
	failed ||= found.trends.some(({ isFlat }) => !isFlat) || found.page?.isFlat === false;
}
process.exitCode = failed ? 1 : 0;

function tell(what: string, { tried, failures }: { tried: number; failures: readonly unknown[] }): void {
	process.stdout.write(`${what}: ${tried} tried, ${failures.length} failed\n`);
	for (const failure of failures) process.stdout.write(`  ${JSON.stringify(failure)}\n`);
	failed ||= failures.length > 0;
}

/** Ends the program where the words ask for help, or for nothing that there is. */
function askedFor(words: readonly string[]): TortureOptions {
	try {
		const asked = parseOptions(words, Object.keys(SUBJECTS) as SubjectName[]);
		if (!('help' in asked)) return asked;
		process.stdout.write(asked.help);
		process.exit(0);
	} catch (error) {
		const { message, remedy } = errorToData(error);
		process.stderr.write(`torture: ${message}\n${remedy === null ? '' : `${remedy}\n`}`);
		process.exit(2);
	}
}

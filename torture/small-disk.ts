import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zonesToText } from '../main/counting/zone-file.ts';
import type { CountingLine, ZoneSet } from '../main/domain/zones.ts';
import { expectSentence, type Fault, type FaultBench } from './fault-bench.ts';
import { SOME_ZONES } from './note-subjects.ts';
import { makeBench, PagelessHost, run, SAMPLE, until } from './programs.ts';

// A disk of a few KiB, for what ffmpeg and browsers write: their calls cannot be made to fail one by one.

const FORMATS = { video: 'out.mp4', redacted: 'out.mp4', 'report-pdf': 'out.pdf', clips: 'clips' } as const;
const EARLIER = 'an earlier one';
/** More than a page for print has that another one has not, and less than a printed one takes. */
const ROOM_BYTES = 2 ** 16;

export const SMALL_DISKS: readonly Fault[] = [
	...Object.entries(FORMATS).map(([format, name]): Fault => ({
		title: `Export ${format} to a disk that is full`,
		unless: noMounts,
		check: (bench, place) =>
			onSmallDisk(place, 16 / 1024, async () => {
				const out = join(place, name);
				if (name !== 'clips') writeFileSync(out, EARLIER);
				const words = ['export', 'straight', '--format', format, '--out', out];
				if (format === 'clips') words.splice(1, 1, ...(await crossedRun(bench)));
				const ended = await run(bench.folder, words);
				expectSentence(ended);
				expectFull(ended.code === 0 ? 'it was done' : ended.stderr);
				if (name !== 'clips' && readFileSync(out, 'utf8') !== EARLIER)
					throw new Error('the earlier one is lost');
				const left = readdirSync(place).filter((found) => found !== name);
				if (left.length > 0) throw new Error(`${left.join(', ')} is left`);
				execFileSync('mount', ['-o', 'remount,size=256m', place]);
				const again = await run(bench.folder, words);
				if (again.code !== 0) throw new Error(again.stderr);
			}),
	})),
	{
		title: 'Export report-pdf to a disk that is full once its page is there',
		unless: noMounts,
		check: async (bench, place) => {
			const page = join(bench.folder, 'page.html');
			const words = (format: string, out: string) => ['export', 'straight', '--format', format, '--out', out];
			await run(bench.folder, words('report', page));
			const mebibytes = (statSync(page).size + ROOM_BYTES) / 2 ** 20;
			await onSmallDisk(place, mebibytes, async () => {
				const out = join(place, 'out.pdf');
				writeFileSync(out, EARLIER);
				const ended = await run(bench.folder, words('report-pdf', out));
				expectSentence(ended);
				expectFull(ended.code === 0 ? 'it was done' : ended.stderr);
				if (readFileSync(out, 'utf8') !== EARLIER) throw new Error('the earlier one is lost');
				if (readdirSync(place).length > 1) throw new Error(`${readdirSync(place).join(', ')} is left`);
			});
		},
	},
	{
		title: 'A playable copy (a cache) on a disk that is full',
		unless: noMounts,
		check: (bench, place) =>
			onSmallDisk(place, 32 / 1024, async () => {
				const host = await PagelessHost.start(bench.folder, join(bench.folder, 'clip.mp4'), place);
				try {
					const ends: { proxyUrl: string | null; error: { message: string } | null }[] = [];
					host.onEvent = (event) => {
						const proxy = event as unknown as (typeof ends)[number];
						if (event.type === 'proxy' && (proxy.proxyUrl ?? proxy.error) !== null) ends.push(proxy);
					};
					const { openAtStart: videoId } = await host.ask('app.describe', {});
					await host.ask('video.open', { videoId });
					await host.ask('video.prepareProxy', { videoId });
					await until(() => ends.length > 0);
					expectFull(ends[0]!.error?.message ?? 'it was done');
					execFileSync('mount', ['-o', 'remount,size=256m', place]);
					await host.ask('video.prepareProxy', { videoId });
					await until(() => ends.length > 1);
					if (ends[1]!.error) throw new Error(ends[1]!.error.message);
				} finally {
					await host.kill();
				}
			}),
	},
];

/** A run in which somebody crosses a line, and the option that names the line. */
async function crossedRun({ folder }: FaultBench): Promise<string[]> {
	const size = { width: 768, height: 576 };
	const line: CountingLine = { id: 'middle', name: 'Middle', from: [384, 0], to: [384, 576] };
	const zones: ZoneSet = { ...SOME_ZONES, pictureSize: size, zones: [], lines: [line] };
	writeFileSync(join(folder, 'line.json'), zonesToText(zones));
	const words = ['analyze', SAMPLE, '--mode', 'token-cache', '--to', '40', '--out', 'crossed'];
	const { code, stderr } = await run(folder, words);
	if (code !== 0) throw new Error(stderr);
	return ['crossed', '--zones', 'line.json'];
}

export function expectFull(said: string): void {
	if (!/no space|takes no more/i.test(said)) throw new Error(`it does not say why: ${said}`);
}

export async function onSmallDisk(place: string, mebibytes: number, use: () => Promise<void>): Promise<void> {
	mkdirSync(place);
	execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${Math.round(mebibytes * 1024)}k`, 'tmpfs', place]);
	try {
		await use();
	} finally {
		execFileSync('umount', ['-l', place]);
	}
}

export function noMounts(): string | null {
	const { folder, remove } = makeBench();
	try {
		execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
		execFileSync('umount', [folder]);
		return null;
	} catch {
		return 'a small disk cannot be mounted here';
	} finally {
		remove();
	}
}

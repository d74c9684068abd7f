import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf, makeBench, makeClip, PagelessHost } from './programs.ts';
import { type PageUsage, WatchedPage } from './watched-page.ts';

export type Usage = { seconds: number; mebibytes: number; handles: number; threads: number };
/** Of one process: medians of the first and the last third, and the slope of memory between. */
export type Trend = {
	process: string;
	samples: number;
	first: Usage;
	last: Usage;
	mebibytesPerHour: number;
	isFlat: boolean;
};
/** As `Trend`, of the page; null where there is no browser. */
export type PageTrend = { samples: number; first: PageUsage; last: PageUsage; isFlat: boolean };
export type LongRunFigures = {
	seconds: number;
	frames: number;
	runs: number;
	trends: Trend[];
	page: PageTrend | null;
};

/** A run of it takes some minutes: what a page holds of a run goes up and down with it. */
const CLIP_FRAMES = 12_000;
const SAMPLE_MILLISECONDS = 1000;
/** What the runtime and the collector of garbage need to settle. */
const SETTLING_SECONDS = 30;
/** Between two collections of a page's garbage. */
const PAGE_SAMPLE_SECONDS = 5;

/**
 * A long clip is analysed again and again in a page, which plays it meanwhile (by a web host alone where there is no browser). Memory,
 * handles and threads of host and worker are noted, and memory, nodes and listeners of the page.
 */
export async function runLong(seconds: number): Promise<LongRunFigures> {
	const { folder, remove } = makeBench();
	const samples = { 'web host': [] as Usage[], worker: [] as Usage[] };
	let page: WatchedPage | null = null;
	let frames = 0;
	let runs = 0;
	try {
		makeClip(join(folder, 'clip.mp4'), CLIP_FRAMES);
		const host = await PagelessHost.start(folder, 'clip.mp4');
		page = await WatchedPage.open(host.address);
		const pageUsages: PageUsage[] = [];
		let going = false;
		host.onEvent = (event) => {
			if (event.type === 'analysis.ended') going = false;
			if (event.type === 'analysis.frames')
				frames += (event as unknown as { batch: { frameIndices: { length: number } } }).batch.frameIndices
					.length;
		};
		const begin = performance.now();
		let runBegan = begin;
		for (;;) {
			const now = performance.now();
			if (now - begin > 1000 * seconds) break;
			if (!going) {
				going = true;
				runs++;
				runBegan = now;
				await (page ? page.analyze() : host.analyze('token-cache'));
			}
			await sleep(SAMPLE_MILLISECONDS);
			const [worker] = childrenOf(host.pid);
			const hostSeconds = (performance.now() - begin) / 1000;
			const workerSeconds = (performance.now() - runBegan) / 1000;
			if (page && hostSeconds > SETTLING_SECONDS + PAGE_SAMPLE_SECONDS * pageUsages.length)
				pageUsages.push(await page.usage(hostSeconds));
			if (hostSeconds > SETTLING_SECONDS) samples['web host'].push(usageOf(host.pid, hostSeconds));
			if (worker !== undefined && workerSeconds > SETTLING_SECONDS) {
				const usage = usageOf(worker, workerSeconds);
				if (!Number.isNaN(usage.mebibytes)) samples.worker.push(usage); // one that has ended has none
			}
		}
		await host.kill();
		return {
			seconds,
			frames,
			runs,
			trends: Object.entries(samples).map(([name, usages]) => trendOf(name, usages)),
			page: page && pageTrendOf(pageUsages),
		};
	} finally {
		await page?.close();
		await sleep(2000); // its worker notices and ends
		remove();
	}
}

function usageOf(pid: number, seconds: number): Usage {
	const status = readFileSync(`/proc/${pid}/status`, 'utf8');
	const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
	return {
		seconds,
		mebibytes: field('VmRSS') / 1024,
		handles: readdirSync(`/proc/${pid}/fd`).length,
		threads: field('Threads'),
	};
}

/** Flat: memory as of a process; a tenth more nodes and listeners at most, for runs that are listed. */
export function pageTrendOf(usages: readonly PageUsage[]): PageTrend {
	const third = Math.max(1, Math.floor(usages.length / 3));
	const first = middle(usages.slice(0, third), PAGE_FIELDS);
	const last = middle(usages.slice(-third), PAGE_FIELDS);
	const isFlat =
		last.nodes <= 1.1 * first.nodes &&
		last.listeners <= 1.1 * first.listeners &&
		!hasGrown(first.mebibytes, last.mebibytes);
	return { samples: usages.length, first, last, isFlat };
}

function hasGrown(first: number, last: number): boolean {
	return last - first >= Math.max(16, first / 10);
}

/** Flat: no handle and no thread more, and memory grew by less than 16 MiB and a tenth between the thirds. */
export function trendOf(name: string, usages: readonly Usage[]): Trend {
	const third = Math.max(1, Math.floor(usages.length / 3));
	const first = middle(usages.slice(0, third), FIELDS);
	const last = middle(usages.slice(-third), FIELDS);
	return {
		process: name,
		samples: usages.length,
		first,
		last,
		mebibytesPerHour: 3600 * slopeOf(usages),
		isFlat:
			last.handles <= first.handles &&
			last.threads <= first.threads &&
			!hasGrown(first.mebibytes, last.mebibytes),
	};
}

const FIELDS = ['seconds', 'mebibytes', 'handles', 'threads'] as const;
const PAGE_FIELDS = ['seconds', 'mebibytes', 'nodes', 'listeners'] as const;

/** Medians, field by field. */
function middle<Field extends string>(
	usages: readonly Record<Field, number>[],
	fields: readonly Field[],
): Record<Field, number> {
	const of = (field: Field) => {
		const sorted = usages.map((usage) => usage[field]).sort((a, b) => a - b);
		return sorted[sorted.length >> 1] ?? Number.NaN;
	};
	return Object.fromEntries(fields.map((field) => [field, of(field)])) as Record<Field, number>;
}

/** Mebibytes per second, by least squares. */
function slopeOf(usages: readonly Usage[]): number {
	const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
	const [time, memory] = [
		mean(usages.map(({ seconds }) => seconds)),
		mean(usages.map(({ mebibytes }) => mebibytes)),
	];
	const products = usages.map(({ seconds, mebibytes }) => (seconds - time) * (mebibytes - memory));
	const squares = usages.map(({ seconds }) => (seconds - time) ** 2);
	return mean(products) / mean(squares);
}

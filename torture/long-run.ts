import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf, makeBench, makeClip, PagelessHost } from './programs.ts';

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
export type LongRunFigures = { seconds: number; frames: number; runs: number; trends: Trend[] };

const CLIP_FRAMES = 60_000;
const SAMPLE_MILLISECONDS = 1000;
/** What the runtime and the collector of garbage need to settle. */
const SETTLING_SECONDS = 30;

/** A web host without a page analyses a long clip again and again; memory, handles and threads of host and worker are noted. */
export async function runLong(seconds: number): Promise<LongRunFigures> {
	const { folder, remove } = makeBench();
	const samples = { 'web host': [] as Usage[], worker: [] as Usage[] };
	let frames = 0;
	let runs = 0;
	try {
		makeClip(join(folder, 'clip.mp4'), CLIP_FRAMES);
		const host = await PagelessHost.start(folder, 'clip.mp4');
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
				rmSync(join(folder, 'runs'), { recursive: true, force: true });
				await host.analyze('token-cache');
			}
			await sleep(SAMPLE_MILLISECONDS);
			const [worker] = childrenOf(host.pid);
			const hostSeconds = (performance.now() - begin) / 1000;
			const workerSeconds = (performance.now() - runBegan) / 1000;
			if (hostSeconds > SETTLING_SECONDS) samples['web host'].push(usageOf(host.pid, hostSeconds));
			if (worker !== undefined && workerSeconds > SETTLING_SECONDS)
				samples.worker.push(usageOf(worker, workerSeconds));
		}
		await host.kill();
		return {
			seconds,
			frames,
			runs,
			trends: Object.entries(samples).map(([name, usages]) => trendOf(name, usages)),
		};
	} finally {
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

/** Flat: no handle and no thread more, and memory grew by less than 16 MiB and a tenth between the thirds. */
export function trendOf(name: string, usages: readonly Usage[]): Trend {
	const third = Math.max(1, Math.floor(usages.length / 3));
	const first = middle(usages.slice(0, third));
	const last = middle(usages.slice(-third));
	const grown = last.mebibytes - first.mebibytes;
	return {
		process: name,
		samples: usages.length,
		first,
		last,
		mebibytesPerHour: 3600 * slopeOf(usages),
		isFlat:
			last.handles <= first.handles &&
			last.threads <= first.threads &&
			grown < Math.max(16, first.mebibytes / 10),
	};
}

function middle(usages: readonly Usage[]): Usage {
	const of = (field: keyof Usage) => {
		const sorted = usages.map((usage) => usage[field]).sort((a, b) => a - b);
		return sorted[sorted.length >> 1] ?? Number.NaN;
	};
	return {
		seconds: of('seconds'),
		mebibytes: of('mebibytes'),
		handles: of('handles'),
		threads: of('threads'),
	};
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

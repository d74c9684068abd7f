import { cpus, totalmem } from 'node:os';

/** What the numbers were measured on. */
export type Machine = { processor: string; cores: number; memoryGib: number; node: string; platform: string };

export function describeMachine(): Machine {
	const cores = cpus();
	return {
		processor: cores[0]?.model ?? 'unknown',
		cores: cores.length,
		memoryGib: Math.round(totalmem() / 2 ** 30),
		node: process.versions.node,
		platform: `${process.platform} ${process.arch}`,
	};
}

/** The middle value; NaN of nothing. */
export function median(values: readonly number[]): number {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function mean(values: readonly number[]): number {
	return values.reduce((sum, value) => sum + value, 0) / values.length;
}

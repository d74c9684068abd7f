import type { AppDescription } from '../../preload/contract.ts';
import type { BatchConfiguration } from '../../preload/batch-contract.ts';
import { runTitles } from '../controls/run-words.ts';

/** Tells how a job's configuration is called among those of the list; `isOne` where there is no other. */
export function wayTitles(
	app: AppDescription,
	jobs: readonly BatchConfiguration[],
): { titleOf: (job: BatchConfiguration) => string; isOne: boolean } {
	const ways = new Map(jobs.map((job) => [keyOf(job), job]));
	const severalModels = new Set(jobs.map(({ modelId }) => modelId)).size > 1;
	const words = runTitles(app, [...ways.values()], severalModels);
	const titles = new Map([...ways.keys()].map((way, i) => [way, words[i]!]));
	return { titleOf: (job) => titles.get(keyOf(job)) ?? '', isOne: ways.size <= 1 };
}

function keyOf({ modelId, mode, settings }: BatchConfiguration): string {
	return JSON.stringify([modelId, mode, settings]);
}

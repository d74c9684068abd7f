import { join } from 'node:path';
import { recordSample } from '../main/results/endless-run.fixture.ts';

const RUN_FRAMES = 200;

/** A run of made-up frames that was interrupted, with a snapshot; returns its folder, below `folder`. */
export async function storedRun(folder: string): Promise<string> {
	const run = join(folder, 'run');
	const writer = await recordSample(run, RUN_FRAMES, 90);
	const state = { memory: Float64Array.of(1) };
	await writer.close('cancelled', { decode: null, error: null, wallSeconds: 1, state });
	return run;
}

import { parentPort, workerData } from 'node:worker_threads';
import { errorToData } from '../domain/errors.ts';
import type { FrameThreadJob, FrameThreadMessage, FrameThreadRequest } from './read-frames-ahead.ts';
import { readFrames } from './read-frames.ts';

// The entry of the thread that reads frames into shared memory while inference blocks the thread that wants them.

const { video, options, slots } = workerData as FrameThreadJob;
const stop = new AbortController();
const free = slots.map((_, slot) => slot);
let wake: (() => void) | null = null;
const post = (message: FrameThreadMessage) => parentPort!.postMessage(message);

parentPort!.on('message', (request: FrameThreadRequest) => {
	if (request.type === 'stop') stop.abort();
	else free.push(request.slot);
	wake?.();
});

try {
	post({ type: 'done', summary: await read() });
} catch (error) {
	post({ type: 'failed', error: errorToData(error) });
}
parentPort!.close();

async function read() {
	const frames = readFrames(video, { ...options, signal: stop.signal });
	for (;;) {
		const next = await frames.next();
		if (next.done) return next.value;
		const { index, timeSeconds, pixels } = next.value;
		const slot = await freeSlot();
		// There is none once reading was stopped: the reader then throws by itself.
		if (slot === undefined) continue;
		slots[slot]!.set(pixels);
		post({ type: 'frame', slot, index, timeSeconds });
	}
}

async function freeSlot(): Promise<number | undefined> {
	while (free.length === 0 && !stop.signal.aborted) {
		await new Promise<void>((resolve) => (wake = resolve));
	}
	return free.pop();
}

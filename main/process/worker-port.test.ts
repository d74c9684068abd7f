import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UserFacingError } from '../domain/errors.ts';
import { envelop } from './protocol.ts';
import { endWith, openWorkerPort } from './worker-port.ts';

/** `process.parentPort` as Electron documents it: messages come inside of events. */
class ParentPort extends EventEmitter {
	readonly posted: unknown[] = [];
	postMessage(message: unknown): void {
		this.posted.push(message);
	}
}

let parentPort: ParentPort;
let exit: ReturnType<typeof vi.fn>;
beforeEach(() => {
	vi.useFakeTimers();
	parentPort = new ParentPort();
	exit = vi.fn();
	vi.stubGlobal('process', Object.assign(Object.create(process) as object, { parentPort, exit }));
});
afterEach(() => {
	vi.unstubAllGlobals();
	vi.useRealTimers();
});

describe('a worker in a utility process', () => {
	it('hears requests of our protocol, and nothing else', () => {
		const heard: unknown[] = [];
		openWorkerPort().onRequest((request) => heard.push(request));
		parentPort.emit('message', { data: envelop({ type: 'cancel' }) });
		parentPort.emit('message', { data: { type: 'cancel' } });
		parentPort.emit('message', { data: { sparsightProtocol: 0, message: { type: 'cancel' } } });
		expect(heard).toEqual([{ type: 'cancel' }]);
	});

	const failure = new UserFacingError('bad-range', 'The range must hold a frame.', { remedy: 'Widen it.' });
	it.each([
		['what its work came to', () => Promise.resolve(3), { type: 'finished', outcome: 3 }],
		[
			'what went wrong',
			() => Promise.reject(failure),
			{ type: 'failed', error: { code: 'bad-range', message: failure.message, remedy: 'Widen it.' } },
		],
	])('tells %s, then stays until its host ends it, and not for ever', async (_, work, report) => {
		await endWith(openWorkerPort(), work());
		vi.advanceTimersByTime(1000);
		expect(parentPort.posted).toMatchObject([envelop(report)]);
		expect(exit).not.toHaveBeenCalled();
		vi.advanceTimersByTime(60_000);
		expect(exit).toHaveBeenCalledWith(0);
	});
});

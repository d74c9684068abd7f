import { describe, expect, it } from 'vitest';
import { Exports } from './exports.svelte.ts';
import { FakeHost } from './fake-host.fixture.ts';

const INPUT = { runIds: ['a'], labels: ['a'], format: 'csv', settings: {}, range: null };
const cancelled = { code: 'cancelled', message: '', remedy: null, stack: null } as const;

async function started() {
	const host = new FakeHost().answer('export.start', () => ({ exportId: 'x', name: 'a.csv' }));
	const exports = new Exports(host);
	await exports.start(INPUT);
	return { host, exports };
}

describe('an export', () => {
	it.each([
		['that was written', null, '/download/x', 'done'],
		['that was cancelled', cancelled, null, 'cancelled'],
		['that failed', { ...cancelled, code: 'disk-full' as const }, null, 'failed'],
	])('%s ends so', async (_, error, downloadUrl, state) => {
		const { exports } = await started();
		exports.take({ type: 'export.progress', exportId: 'x', done: 3, total: 4 });
		expect(exports.jobs[0]).toMatchObject({ state: 'running', done: 3, total: 4 });
		exports.take({ type: 'export.ended', exportId: 'x', downloadUrl, companion: null, error });
		expect(exports.jobs[0]).toMatchObject({ state, downloadUrl });
	});

	it('may end before its start is answered', async () => {
		const host = new FakeHost();
		const exports = new Exports(host);
		host.answer('export.start', () => {
			exports.take({ type: 'export.ended', exportId: 'x', downloadUrl: '/d', companion: null, error: null });
			return { exportId: 'x', name: 'a.csv' };
		});
		await exports.start(INPUT);
		expect(exports.jobs[0]?.state).toBe('done');
	});

	it('whose file the person did not choose is none', async () => {
		const exports = new Exports(new FakeHost().answer('export.start', () => null));
		expect(await exports.start(INPUT)).toBeNull();
		expect(exports.jobs).toEqual([]);
	});

	it('whose file cannot be shown says why', async () => {
		const { host, exports } = await started();
		exports.take({ type: 'export.ended', exportId: 'x', downloadUrl: null, companion: null, error: null });
		host.refuse('export.reveal', 'file-not-found');
		await exports.reveal('x');
		expect(exports.jobs[0]).toMatchObject({ state: 'done', error: { code: 'file-not-found' } });
	});
});

import { expect, it } from 'vitest';
import { trendOf } from './long-run.ts';
import { minimize } from './minimize.ts';

it('finds the bytes that matter', async () => {
	const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
	const holds = (part: Uint8Array) => Promise.resolve(part.includes(7) && part.includes(200));
	expect([...(await minimize(bytes, holds, 1000))].sort()).toEqual([200, 7]);
});

it('keeps to its number of tries', async () => {
	let tries = 0;
	await minimize(new Uint8Array(1000), () => Promise.resolve(++tries < 0), 20);
	expect(tries).toBe(20);
});

it.each([
	['level', 0, 0, true],
	['growing by a MiB a second', 1, 0, false],
	['with a handle more every second', 0, 1, false],
])('a process %s', (_, mebibytes, handles, isFlat) => {
	const usages = Array.from({ length: 90 }, (_second, i) => ({
		seconds: i,
		mebibytes: 100 + mebibytes * i,
		handles: 20 + handles * i,
		threads: 11,
	}));
	expect(trendOf('worker', usages)).toMatchObject({ isFlat, mebibytesPerHour: 3600 * mebibytes });
});

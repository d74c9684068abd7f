import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { findFfmpeg, installRemedy, isTooOld, parseVersion } from './ffmpeg-binary.ts';
import { withFolder } from './test-videos.fixture.ts';

afterEach(() => vi.unstubAllEnvs());

async function fake(path: string, prints: string): Promise<string> {
	await writeFile(path, `#!/bin/sh\necho "${prints}"\n`);
	await chmod(path, 0o755);
	return path;
}

describe.skipIf(process.platform === 'win32')('where ffmpeg is looked for', () => {
	it('the environment goes before PATH; ffprobe is found beside it, unless it is named too', () =>
		withFolder(async (folder) => {
			const ffmpeg = await fake(join(folder, 'of my own'), 'ffmpeg version n6.1-3-gabc Copyright');
			const beside = await fake(join(folder, 'ffprobe'), '');
			vi.stubEnv('SPARSIGHT_FFPROBE', '');
			vi.stubEnv('SPARSIGHT_FFMPEG', ffmpeg);
			expect(await findFfmpeg()).toEqual({
				ffmpeg,
				ffprobe: beside,
				version: 'n6.1-3-gabc',
				source: 'environment',
			});
			const named = await fake(join(folder, 'probe'), '');
			vi.stubEnv('SPARSIGHT_FFPROBE', named);
			expect(await findFfmpeg()).toMatchObject({ ffmpeg, ffprobe: named });
			vi.stubEnv('SPARSIGHT_FFMPEG', '');
			vi.stubEnv('SPARSIGHT_FFPROBE', '');
			expect((await findFfmpeg()).source).toMatch(/^(path|ffmpeg-static)$/);
		}));

	it('what was found is kept; what failed is looked for again', () =>
		withFolder(async (folder) => {
			const path = join(folder, 'ffmpeg');
			vi.stubEnv('SPARSIGHT_FFMPEG', path);
			await expect(findFfmpeg()).rejects.toMatchObject({ code: 'ffmpeg-missing' });
			await fake(path, 'ffmpeg version 6.0');
			const found = findFfmpeg();
			expect((await found).version).toBe('6.0');
			expect(findFfmpeg()).toBe(found);
		}));

	it('nothing anywhere is one sentence and one line to mend it', () =>
		withFolder(async (folder) => {
			vi.stubEnv('SPARSIGHT_FFMPEG', '');
			vi.stubEnv('SPARSIGHT_FFPROBE', 'unused so far, and so a search of its own');
			vi.stubEnv('PATH', folder);
			const error = await findFfmpeg().catch((thrown: unknown) => thrown);
			expect(error).toMatchObject({ code: 'ffmpeg-missing', remedy: installRemedy(process.platform) });
		}));

	it.each([
		{ proves: 'a place that cannot be started', prints: null, words: 'cannot be started' },
		{ proves: 'another program', prints: 'hello', words: 'is not ffmpeg' },
		{
			proves: 'an old version',
			prints: 'ffmpeg version 4.4.2-0ubuntu0.22.04.1',
			words: '5.1 or newer was expected (got 4.4.2',
		},
	])('$proves', ({ prints, words }) =>
		withFolder(async (folder) => {
			const path = join(folder, 'program');
			if (prints !== null) await fake(path, prints);
			vi.stubEnv('SPARSIGHT_FFMPEG', path);
			await expect(findFfmpeg()).rejects.toMatchObject({
				code: 'ffmpeg-missing',
				message: expect.stringMatching(/^SPARSIGHT_FFMPEG names /) as string,
			});
			await expect(findFfmpeg()).rejects.toThrow(words);
		}),
	);
});

it.each([
	['ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026', '5.1.9-0+deb12u1', false],
	['ffmpeg version 9.0.2-static', '9.0.2-static', false],
	['ffmpeg version n5.0.1', 'n5.0.1', true],
	['ffmpeg version 4.4.2', '4.4.2', true],
	['ffmpeg version N-109542-g1bf1b4a', 'N-109542-g1bf1b4a', false],
	['ffmpeg version 2026-01-05-git-1234', '2026-01-05-git-1234', false],
])('%s', (printed, version, tooOld) => {
	expect(parseVersion(printed)).toBe(version);
	expect(isTooOld(version)).toBe(tooOld);
});

it('every platform is told in one line what to do', () => {
	for (const platform of ['linux', 'darwin', 'win32', 'freebsd'] as const) {
		expect(installRemedy(platform)).toMatch(/^Install .*SPARSIGHT_FFMPEG.*\.$/);
	}
});

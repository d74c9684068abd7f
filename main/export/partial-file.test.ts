import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserFacingError } from '../domain/errors.ts';
import { removeLeftovers, removePartial, writePartialFirst } from './partial-file.ts';
import { inTemporaryFolder } from './run.fixture.ts';

describe('a file that is written elsewhere first', () => {
	it('gets its name when it is whole, and no sooner', () =>
		inTemporaryFolder(async (folder) => {
			const out = join(folder, 'boxes.csv');
			await writeFile(out, 'older');
			await writePartialFirst(out, [], async (partial) => {
				await writeFile(partial, 'newer');
				expect(await readFile(out, 'utf8')).toBe('older');
			});
			expect(await readFile(out, 'utf8')).toBe('newer');
			expect(await readdir(folder)).toEqual(['boxes.csv']);
		}));

	it.each<[string, string, (partial: string) => Error]>([
		[
			'of ours',
			'ffmpeg-failed',
			(partial) => new UserFacingError('ffmpeg-failed', `${partial}: ffmpeg could not write the video.`),
		],
		[
			'of the system, in the file',
			'disk-full',
			(partial) => Object.assign(new Error(`ENOSPC, write '${partial}'`), { code: 'ENOSPC', path: partial }),
		],
		[
			'of the system, in its folder',
			'output-not-writable',
			(partial) => Object.assign(new Error('EACCES'), { code: 'EACCES', path: dirname(partial) }),
		],
		['inside', 'internal', (partial) => new Error(`${partial}: it is odd.`)],
	])('names the file that a person named in an error %s, and is not left behind', async (_, code, fault) => {
		await inTemporaryFolder(async (folder) => {
			const out = join(folder, 'clip.mp4');
			const writing = writePartialFirst(out, [], async (partial) => {
				await writeFile(partial, 'half');
				await writeFile(`${partial}.log`, 'of the encoder');
				throw fault(partial);
			});
			const error = await writing.catch((reason: unknown) => reason);
			expect(error).toMatchObject({ message: expect.stringMatching(/^[^ ]*\/clip\.mp4: /) });
			expect(error).toMatchObject({ message: expect.not.stringContaining('partial') });
			expect(error instanceof UserFacingError ? error.code : 'internal').toBe(code);
			expect(await readdir(folder)).toEqual([]);
		});
	});

	it.each([
		['with the folders that were made for it', [], []],
		['and folders that hold something else stay', ['mine.txt'], ['new']],
	])('goes when it fails, %s', (_, others, left) =>
		inTemporaryFolder(async (folder) => {
			const writing = writePartialFirst(join(folder, 'new', 'deep', 'clip.mp4'), [], async () => {
				for (const name of others) await writeFile(join(folder, 'new', name), '');
				throw new Error('no');
			});
			await expect(writing).rejects.toThrow('no');
			expect(await readdir(folder)).toEqual(left);
			if (left.length > 0) expect(await readdir(join(folder, 'new'))).toEqual(others);
		}),
	);

	it('can be removed for a process that could not, and only for that one', () =>
		inTemporaryFolder(async (folder) => {
			const out = join(folder, 'clip.mp4');
			await mkdir(join(folder, '.clip.mp4.41.partial'));
			await mkdir(join(folder, '.clip.mp4.42.partial'));
			await writeFile(join(folder, '.clip.mp4.42.partial', 'clip.mp4'), 'half');
			await removePartial(out, 42);
			await removePartial(out, 43);
			expect(await readdir(folder)).toEqual(['.clip.mp4.41.partial']);
		}));

	it('takes away what killed exports left, of that file or of the whole folder, and nothing of the living', () =>
		inTemporaryFolder(async (folder) => {
			const DEAD = 2 ** 22 + 1; // beyond what Linux gives
			const living = `.clip.mp4.${process.ppid}.partial`;
			const mine = ['.a', '.b.12', 'clip.mp4.41.partial', '.hidden.partial'];
			const left = [`.boxes.csv.${DEAD}.partial`, `.clip.mp4.${DEAD}.partial`];
			for (const name of [living, ...mine, ...left]) await mkdir(join(folder, name));
			await writeFile(join(folder, left[1]!, 'clip.mp4'), 'half');
			await writePartialFirst(join(folder, 'clip.mp4'), [], (partial) => writeFile(partial, 'whole'));
			expect((await readdir(folder)).sort()).toEqual([living, ...mine, left[0], 'clip.mp4'].sort());
			await removeLeftovers(folder);
			expect((await readdir(folder)).sort()).toEqual([living, ...mine, 'clip.mp4'].sort());
		}));
});

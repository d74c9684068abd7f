import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { identifyVideo } from '../video/identity.ts';
import { probeVideo } from '../video/probe.ts';
import { ProbeCache } from './probe-cache.ts';
import { samplePath } from './videos.ts';

let folder: string;
let path: string;
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'sparsight-probes-'));
	path = join(folder, 'clip.mp4');
	await copyFile(samplePath(), path);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const cacheFolder = () => join(folder, 'cache', 'probes');
const probe = async (of = path) => new ProbeCache(cacheFolder()).probe(of, await identifyVideo(of));
const cached = async () => join(cacheFolder(), (await readdir(cacheFolder()))[0]!);

it('says what the file says, wherever it lies, and asks no program again', async () => {
	const info = await probeVideo(path);
	expect(await probe()).toEqual(info);
	const place = await cached();
	await writeFile(place, (await readFile(place, 'utf8')).replace('"h264"', '"as kept"'));
	const moved = join(folder, 'moved.mp4');
	await copyFile(path, moved);
	expect(await probe(moved)).toEqual({ ...info, codec: 'as kept', path: moved });
});

it('asks where what was kept is damaged, or the file holds something else', async () => {
	const info = await probe();
	await writeFile(await cached(), '{"codec": 5}');
	expect(await probe()).toEqual(info);
	await writeFile(path, 'no video any more');
	await expect(probe()).rejects.toMatchObject({ code: 'not-a-video' });
	expect(await readdir(cacheFolder())).toHaveLength(1);
});

it('does without where nothing can be kept', async () => {
	await writeFile(join(folder, 'cache'), 'a file where a folder should be');
	expect(await probe()).toMatchObject({ codec: 'h264', path });
});

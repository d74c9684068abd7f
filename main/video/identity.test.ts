import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compareVideo, identifyVideo } from './identity.ts';
import { withFolder } from './test-videos.fixture.ts';

const MEBIBYTE = 1 << 20;

it.each([
	{ proves: 'an empty file', bytes: 0 },
	{ proves: 'a file below a mebibyte is hashed whole, twice', bytes: 1000 },
	{ proves: 'edges that overlap', bytes: MEBIBYTE + 5000 },
	{ proves: 'edges with a middle between them', bytes: 3 * MEBIBYTE + 17 },
])('$proves', ({ bytes }) =>
	withFolder(async (folder) => {
		const content = Uint8Array.from({ length: bytes }, (_, i) => (i * i + (i >> 8)) & 255);
		const path = join(folder, 'file');
		await writeFile(path, content);
		const edge = Math.min(bytes, MEBIBYTE);
		const hash = createHash('sha256')
			.update(content.subarray(0, edge))
			.update(content.subarray(bytes - edge));
		expect(await identifyVideo(path)).toEqual({ fileBytes: bytes, edgesSha256: hash.digest('hex') });
	}),
);

it.each([
	['same', 3 * MEBIBYTE, -1],
	['grown', 3 * MEBIBYTE + 5, -1],
	['grown', 30 * MEBIBYTE, -1],
	['other', 3 * MEBIBYTE + 5, 0],
	['other', 3 * MEBIBYTE + 5, 3 * MEBIBYTE - 1],
	['other', 3 * MEBIBYTE - 5, -1],
])('a file is %s at %i bytes, changed at %i', (expected, bytes, changedAt) =>
	withFolder(async (folder) => {
		const path = join(folder, 'file');
		await writeFile(path, new Uint8Array(3 * MEBIBYTE).fill(7));
		const before = await identifyVideo(path);
		const content = new Uint8Array(bytes).fill(7);
		if (changedAt >= 0) content[changedAt] = 1;
		await writeFile(path, content);
		expect(await compareVideo(path, await identifyVideo(path), before)).toBe(expected);
	}),
);

it('a change at either edge changes the identity; one in the middle is not looked for', () =>
	withFolder(async (folder) => {
		const path = join(folder, 'file');
		const identityWith = async (at: number) => {
			const content = new Uint8Array(4 * MEBIBYTE);
			if (at >= 0) content[at] = 1;
			await writeFile(path, content);
			return (await identifyVideo(path)).edgesSha256;
		};
		const plain = await identityWith(-1);
		expect(await identityWith(0)).not.toBe(plain);
		expect(await identityWith(4 * MEBIBYTE - 1)).not.toBe(plain);
		expect(await identityWith(2 * MEBIBYTE)).toBe(plain);
	}));

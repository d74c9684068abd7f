import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NamedArrays } from '../domain/named-arrays.ts';
import { encodeSnapshot, readSnapshot } from './state-file.ts';

let folder = '';
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'state-'))));
afterEach(() => rm(folder, { recursive: true }));

async function readBack(bytes: Uint8Array) {
	await writeFile(join(folder, 'state'), bytes);
	return readSnapshot(folder, 'state');
}

const STATE: NamedArrays = {
	flags: Uint8Array.of(1, 2, 255),
	'memory/0': Float32Array.of(1.5, -0, Number.NaN, Infinity),
	nothing: new Float32Array(0),
	waiting: Int32Array.of(-1, 2 ** 31 - 1),
	controller: Float64Array.of(Math.PI),
	'a view': Float32Array.of(1, 2, 3, 4).subarray(1, 3),
};

function file(state: NamedArrays = STATE): Buffer {
	return Buffer.concat(encodeSnapshot({ framesStored: 12, lastFrameIndex: 55, state }));
}

it('every type of array comes back, to the bit', async () => {
	const back = await readBack(file());
	expect(back).toEqual({ framesStored: 12, lastFrameIndex: 55, state: STATE });
	expect(Object.is((back!.state['memory/0'] as Float32Array)[1], -0)).toBe(true);
	expect((await readBack(file({})))!.state).toEqual({});
});

it('is laid out as safetensors: header length, JSON, gapless offsets, aligned data', () => {
	const bytes = file();
	const length = Number(bytes.readBigUInt64LE(0));
	expect(length % 8).toBe(0);
	const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<string, unknown>;
	expect(header['__metadata__']).toMatchObject({ framesStored: '12', lastFrameIndex: '55' });
	expect(header['controller']).toEqual({ dtype: 'F64', shape: [1], data_offsets: [0, 8] });
	expect(header['waiting']).toEqual({ dtype: 'I32', shape: [2], data_offsets: [32, 40] });
	expect(header['flags']).toEqual({ dtype: 'U8', shape: [3], data_offsets: [40, 43] });
	expect(bytes.length).toBe(8 + length + 43);
});

describe('a damaged file is no snapshot', () => {
	const whole = file();
	const patched = (change: (bytes: Buffer) => void): Buffer => {
		const bytes = Buffer.from(whole);
		change(bytes);
		return bytes;
	};
	it.each([
		['empty', Buffer.alloc(0)],
		['zeros, as a loss of power leaves them', Buffer.alloc(whole.length)],
		['a header length beyond the end', patched((b) => b.writeBigUInt64LE(2n ** 62n))],
		['a byte of the header', patched((b) => b.write('?', 8))],
		['the last byte', patched((b) => (b[b.length - 1]! ^= 1))],
		['a byte too many', Buffer.concat([whole, Buffer.alloc(1)])],
		['a safetensors file of something else', Buffer.from('\x02\0\0\0\0\0\0\0{}', 'latin1')],
		['an entry that points outside', patched((b) => b.write('[90', b.indexOf('[40')))],
		['an unknown type', patched((b) => b.write('F16', b.indexOf('F32')))],
	])('%s', async (_, bytes) => {
		expect(await readBack(bytes)).toBeNull();
	});

	it('cut off anywhere', async () => {
		for (let length = 0; length < whole.length; length++) {
			expect(await readBack(whole.subarray(0, length))).toBeNull();
		}
	});

	it('there is none', async () => {
		expect(await readSnapshot(folder, 'state')).toBeNull();
	});
});

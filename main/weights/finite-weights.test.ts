import { describe, expect, it } from 'vitest';
import { parseCheckpoint } from './checkpoint.ts';
import type { ElementType } from './element-types.ts';
import { layOutSafetensors } from './safetensors.ts';
import { op, pickle, tensor, torchArchive, torchLegacy } from './torch-file.fixture.ts';

type Numbers = Float32Array | Float64Array | Uint16Array;

function safetensors(dtype: ElementType, { buffer, length }: Numbers): Uint8Array {
	const stored = new Map([['w', { dtype, shape: [length], bytes: new Uint8Array(buffer) }]]);
	return Buffer.concat(layOutSafetensors(stored, {}));
}
const torch = (write: typeof torchLegacy | typeof torchArchive) =>
	write(pickle(op.dict(['w', tensor('0', 3, [3])])), { 0: [1, Number.NaN, Number.NaN] });

describe('weights that are not finite are refused when they are read', () => {
	it.each<[string, Uint8Array, string]>([
		[
			'NaN in F32',
			safetensors('F32', Float32Array.of(1, 2, NaN)),
			'got 1 of 3 that are not, the first NaN at 2',
		],
		['−∞ in F32', safetensors('F32', Float32Array.of(-Infinity, 2)), 'the first -Infinity at 0'],
		['∞ in F16', safetensors('F16', Uint16Array.of(0x3e00, 0x7c00)), 'the first Infinity at 1'],
		['NaN in BF16', safetensors('BF16', Uint16Array.of(0x7fc0)), 'the first NaN at 0'],
		['F64 beyond F32', safetensors('F64', Float64Array.of(1e300)), 'the first Infinity at 0'],
		['NaN in an archive', torch(torchArchive), 'got 2 of 3 that are not, the first NaN at 1'],
		['NaN in an older file', torch(torchLegacy), 'got 2 of 3 that are not, the first NaN at 1'],
	])('%s', (_, bytes, what) => {
		const { weights } = parseCheckpoint(bytes, 'the file');
		const read = () => weights.get('w')!.data;
		expect(read).toThrow(/^the file: the tensor w should hold finite numbers \(got \d+ of \d+ that are not/);
		expect(read).toThrow(what);
	});

	it('all others are not', () => {
		const numbers = Float32Array.of(0, -0, 1e-45, 3.4028234663852886e38, -3.4028234663852886e38);
		const { weights } = parseCheckpoint(safetensors('F32', numbers), 'the file');
		expect(weights.get('w')!.data).toEqual(numbers);
	});
});

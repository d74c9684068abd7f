import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import { afterAll, describe, expect, it } from 'vitest';
import { openDetector } from '../detector.fixture.ts';
import { openModel } from '../index.ts';
import { readOnnxFile } from './onnx-file.ts';
import { onnxFolder, SIGNATURES, tinyOnnx, type TinyNetwork } from './tiny-onnx.fixture.ts';

const { onnx } = onnxProto;
const files = onnxFolder();
afterAll(files.remove);

const NETWORK: TinyNetwork = { outputs: SIGNATURES.endToEnd, metadata: { end2end: 'True', license: 'MIT' } };

it('says what a file holds, without its weights', () => {
	const path = files.put('plain.onnx', { ...NETWORK, input: { shape: ['batch', 3, 128, 128] } });
	const file = readOnnxFile(path);
	expect(file.producer).toBe('sparsight');
	expect(file.opsets.get('')).toBe(20);
	expect(file.inputs).toEqual([{ name: 'images', type: 'float32', dims: ['batch', 3, 128, 128] }]);
	expect(file.outputs).toEqual([{ name: 'output0', type: 'float32', dims: [1, 20, 6] }]);
	expect(file.metadata.get('license')).toBe('MIT');
	expect(file.operators.get('ReduceMean')).toBe(2);
	// The rows, a filter of three, a factor, and the shape [1].
	expect(file.weightBytes).toBe(4 * (120 + 3 + 1) + 8);
	expect(file.constants.get('filter')).toEqual({ type: 'float32', dims: [1, 3, 1, 1], values: [0, 0, 0] });
});

/** The rows of the network in a file of their own. */
function withDataIn(location: string): TinyNetwork {
	return {
		...NETWORK,
		change({ graph }) {
			const rows = graph!.initializer!.find(({ name }) => name === 'output0:numbers')!;
			rows.rawData = new Uint8Array(0);
			rows.dataLocation = onnx.TensorProto.DataLocation.EXTERNAL;
			rows.externalData = [{ key: 'location', value: location }];
		},
	};
}

it('reads weights from files beside it', async () => {
	const numbers = new Float32Array(120);
	numbers.set(SIGNATURES.endToEnd[0].numbers);
	writeFileSync(join(files.folder, 'weights.data'), new Uint8Array(numbers.buffer));
	const path = files.put('split.onnx', withDataIn('weights.data'));
	expect(readOnnxFile(path).dataFiles).toEqual(['weights.data']);
	expect((await openModel(path)).classes).toHaveLength(80);
});

describe('says in one sentence what is wrong with', () => {
	const whole = tinyOnnx(NETWORK);
	mkdirSync(join(files.folder, 'sub'));
	symlinkSync('/etc/passwd', join(files.folder, 'link.data'));
	it.each<[string, TinyNetwork | Uint8Array | string, RegExp]>([
		[
			'a file that ends early',
			whole.subarray(0, whole.length - 40),
			/is not an ONNX file, or its end is missing/,
		],
		['text', 'these are only notes', /is not an ONNX file/],
		[
			'a damaged message within',
			// What stands before an operator's name is no longer the head of a field.
			Uint8Array.from(whole, (byte, i) => (i === Buffer.from(whole).indexOf('ReduceMean') - 2 ? 0x7e : byte)),
			/is not an ONNX file, or its end is missing/,
		],
		['nothing', '', /is not an ONNX file, or its end is missing: it holds no graph/],
		[
			'weights that are not there',
			withDataIn('gone.data'),
			/keeps weights in gone\.data, which is not in the folder/,
		],
		[
			'weights above its folder',
			withDataIn('../up.data'),
			/is refused: it wants weights from "\.\.\/up\.data"/,
		],
		['weights of the system', withDataIn('/etc/passwd'), /is refused: it wants weights from "\/etc\/passwd"/],
		[
			'a link out of its folder',
			withDataIn('link.data'),
			/is refused: link\.data, .* is a link out of its folder/,
		],
	])('%s', async (name, content, message) => {
		const path = files.put(`${name}.onnx`, content);
		await expect(openModel(path)).rejects.toMatchObject({
			code: 'model-unreadable',
			message: expect.stringMatching(message),
		});
	});
});

describe('says in one sentence why the runtime will not have', () => {
	const giant = 2 ** 20;
	it.each<[string, TinyNetwork['change'], RegExp]>([
		[
			'an operator set that is too new',
			(model) => (model.opsetImport[0]!.version = 99),
			/\(opset 99\) is newer than the runtime knows\.$/,
		],
		['a format that is too new', (model) => (model.irVersion = 99), /newer than the runtime knows\.$/],
		[
			'an unknown operator',
			(model) => (model.graph!.node![0]!.opType = 'Frobnicate'),
			/an operator that the runtime has not: Frobnicate\.$/,
		],
		[
			'an operator of a domain of its own',
			(model) => {
				model.opsetImport.push(onnx.OperatorSetIdProto.create({ domain: 'mine', version: 1 }));
				Object.assign(model.graph!.node![0]!, { opType: 'Frobnicate', domain: 'mine' });
			},
			/an operator that the runtime has not: mine:Frobnicate\.$/,
		],
		[
			'gigabytes that there are not',
			({ graph }) => {
				const shape = new Uint8Array(new BigInt64Array([BigInt(giant), BigInt(giant)]).buffer);
				graph!.initializer!.push({
					name: 'giant',
					dataType: onnx.TensorProto.DataType.INT64,
					dims: [2],
					rawData: shape,
				});
				graph!.node!.push({ opType: 'ConstantOfShape', input: ['giant'], output: ['zeros'] });
			},
			/needs 8192\.0 GiB of memory or more, and \d+\.\d GiB are free\.$/,
		],
	])('%s', async (name, change, message) => {
		const model = await openModel(
			files.put(`${name}.onnx`, { ...NETWORK, change: (one) => void change!(one) }),
		);
		await expect(
			openDetector(model, { displaySize: { width: 128, height: 128 }, scoreThreshold: 0.05 }),
		).rejects.toMatchObject({
			code: 'model-unreadable',
			message: expect.stringMatching(message),
		});
	});
});

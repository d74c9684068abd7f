import { describe, expect, it } from 'vitest';
import { seededPictures, seededTensors, seededVideo } from './seeded-tensors.ts';

// What tools/parity/seeded.py makes, to the last bit.
describe('seeded tensors', () => {
	it.each([
		['a gain', 'blocks.0.norm1.weight', [3], [0.9224467277526855, 1.2827321290969849, 0.7571967244148254]],
		[
			'a matrix, by its fan-in',
			'q.weight',
			[2, 3],
			[
				0.7942354083061218, 0.1520538628101349, -0.643936276435852, -0.9578401446342468, -0.3507538437843323,
				-0.8935701251029968,
			],
		],
	])('%s', (_, name, shape, expected) => {
		const weights = seededTensors({ seed: 7, rules: [], tensors: { [name]: shape } });
		expect([...weights.get(name)!.data]).toEqual(expected);
	});

	it('takes the first rule whose end a name has', () => {
		const rules: [string, number, number][] = [
			['.bias', 5, 0],
			['bias', 6, 0],
		];
		const weights = seededTensors({ seed: 1, rules, tensors: { 'a.bias': [1], a_bias: [1] } });
		expect([...weights.values()].map(({ data }) => data[0])).toEqual([5, 6]);
	});

	it('knows a tensor by several names', () => {
		const tensors = { 'a.weight': [2], 'b.weight': 'a.weight' };
		const weights = seededTensors({ seed: 1, rules: [], tensors });
		expect(weights.get('b.weight')).toEqual(weights.get('a.weight'));
	});

	it('moves tokens on from frame to frame', () => {
		const video = seededVideo({ seed: 5, shape: [1, 2, 2], frames: 3, scale: 0.5, repeats: [2] });
		const last = [-0.8681661486625671, 0.7641691565513611, -0.44084402918815613, -0.593791663646698];
		expect([...video.values()].map(({ data }) => [...data])).toEqual([
			[-0.8409972786903381, 0.7716079354286194, -0.44791874289512634, -0.5413188338279724],
			last,
			last,
		]);
	});

	it('makes the same picture with channels first and last', () => {
		const last = [150, 123, 7, 162, 110, 27, 128, 112, 11, 173, 105, 42];
		const first = [150, 162, 128, 173, 123, 110, 112, 105, 7, 27, 11, 42];
		const of = (shape: number[]) => seededPictures({ seed: 3, tensors: { 'A.image.0': shape } });
		expect([...of([2, 2, 3]).get('A.image.0')!.data]).toEqual(last);
		expect([...of([1, 3, 2, 2]).get('A.image.0')!.data]).toEqual(first);
	});
});

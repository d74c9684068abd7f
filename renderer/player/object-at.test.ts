import { expect, it } from 'vitest';
import { Detections } from '../../main/domain/detections.ts';
import { sampleRun } from './harness/sample-run.ts';
import { objectAt } from './object-at.ts';

const plain = sampleRun({ width: 320, height: 160 });
const detections = new Detections(
	Uint16Array.of(0, 0, 0, 0),
	Float32Array.of(0.9, 0.8, 0.7, 0.1),
	Float32Array.of(0, 0, 100, 100, 20, 20, 60, 60, 30, 30, 40, 40, 200, 0, 220, 20),
);
/** A large box, a smaller one in it, the smallest of nobody, and one whose score is too low to be shown. */
const run = {
	...plain,
	frame: () => ({ ...plain.frame(4, true)!, detections }),
	identitiesOf: () => Int32Array.of(3, 7, 0, 8),
};

it.each([
	['the large one', 10, 10, 3],
	['the smaller one in it', 25, 25, 7],
	['behind the box of nobody', 35, 35, 7],
	['beside them', 150, 50, 0],
	['what is not shown', 210, 10, 0],
])('%s', (_, x, y, identity) => expect(objectAt(run, 4, { x, y })).toBe(identity));

it('nobody while identities are unknown', () => {
	expect(objectAt({ ...run, identitiesOf: () => null }, 4, { x: 10, y: 10 })).toBe(0);
});

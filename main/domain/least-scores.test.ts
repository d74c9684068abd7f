import { describe, expect, it } from 'vitest';
import { Detections } from './detections.ts';
import { higherOf, loweredTo, reachesLeast, sameLeastScore, type LeastScores } from './least-scores.ts';

const [PERSON, BIRD] = [0, 1];

it.each<[string, LeastScores, number, number, boolean]>([
	['on its threshold', [0.25, 0.5], BIRD, 0.5, true],
	['below its own, above that of another class', [0.25, 0.5], BIRD, 0.49, false],
	['above its own, below that of another class', [0.25, 0.5], PERSON, 0.3, true],
	['of a class that takes any', [0, 0.5], PERSON, 0, true],
	['of a class that takes none but the surest', [0.25, 1], BIRD, 0.99, false],
])('a detection %s', (_, least, classIndex, score, reaches) => {
	expect(reachesLeast(least, classIndex, score)).toBe(reaches);
});

describe('least scores', () => {
	it.each([
		[0.9, [0.3, 0.6]],
		[0.5, [0.3, 0.5]],
		[0.1, [0.1, 0.1]],
		[0, [0, 0]],
	])('lowered to %f', (score, lowered) => {
		expect(loweredTo(score, [0.3, 0.6])).toEqual(lowered);
	});

	it('may be the same for all classes', () => {
		expect(sameLeastScore(3, 0.3)).toEqual([0.3, 0.3, 0.3]);
	});

	it('of two, the higher for each class', () => {
		expect(higherOf([0.3, 0.6, 0.5], [0.4, 0.2, 0.5])).toEqual([0.4, 0.6, 0.5]);
	});

	it('pick detections by class, in their order', () => {
		const detections = new Detections(
			Uint16Array.of(BIRD, PERSON, BIRD, PERSON),
			Float32Array.of(0.75, 0.5, 0.5, 0.125),
			Float32Array.from({ length: 16 }, (_, i) => i),
		);
		const shown = detections.scoredAtLeast([0.25, 0.625]);
		expect([...shown.classIndices]).toEqual([BIRD, PERSON]);
		expect([...shown.scores]).toEqual([0.75, 0.5]);
		expect(shown.box(1)).toEqual([4, 5, 6, 7]);
	});
});

import { describe, expect, it } from 'vitest';
import { compareDetections } from './agreement.ts';
import { boxes } from './boxes.fixture.ts';

describe('one frame', () => {
	it.each([
		['both empty agree', boxes(), boxes(), { matched: 0, lost: 0, gained: 0, meanIou: 1, f1: 1 }],
		[
			'the same',
			boxes([0, 0.9, 0], [1, 0.8, 30]),
			boxes([0, 0.9, 0], [1, 0.8, 30]),
			{ matched: 2, lost: 0, gained: 0, meanIou: 1, f1: 1 },
		],
		['lost', boxes(), boxes([0, 0.9, 0]), { matched: 0, lost: 1, gained: 0, meanIou: 0, f1: 0 }],
		['gained', boxes([0, 0.9, 0]), boxes(), { matched: 0, lost: 0, gained: 1, meanIou: 0, f1: 0 }],
		[
			'another class is no match',
			boxes([0, 0.9, 0]),
			boxes([1, 0.9, 0]),
			{ matched: 0, lost: 1, gained: 1, meanIou: 0, f1: 0 },
		],
		[
			'an overlap of exactly 0.5 matches',
			boxes([0, 0.9, 0, 5]),
			boxes([0, 0.9, 0]),
			{ matched: 1, lost: 0, gained: 0, meanIou: 0.5, f1: 1 },
		],
		[
			'a smaller one does not',
			boxes([0, 0.9, 0, 4]),
			boxes([0, 0.9, 0]),
			{ matched: 0, lost: 1, gained: 1, meanIou: 0, f1: 0 },
		],
		[
			'one partner each',
			boxes([0, 0.9, 0], [0, 0.8, 0]),
			boxes([0, 0.9, 0]),
			{ matched: 1, lost: 0, gained: 1, meanIou: 1, f1: 2 / 3 },
		],
		// In the order of the list the first would take the box at 1 and leave the second the one at 4: two pairs.
		[
			'the best score chooses first, whatever the order',
			boxes([0, 0.5, 0], [0, 0.9, 2]),
			boxes([0, 0.9, 1], [0, 0.8, 4]),
			{ matched: 1, lost: 1, gained: 1, meanIou: 9 / 11, f1: 0.5 },
		],
		[
			'each takes what it overlaps most',
			boxes([0, 0.9, 2]),
			boxes([0, 0.9, 0], [0, 0.8, 2]),
			{ matched: 1, lost: 1, gained: 0, meanIou: 1, f1: 2 / 3 },
		],
	])('%s', (_, found, reference, expected) => {
		const came = compareDetections(found, reference);
		expect(came.meanIou).toBeCloseTo(expected.meanIou, 12);
		expect({ ...came, meanIou: expected.meanIou }).toEqual(expected);
	});
});

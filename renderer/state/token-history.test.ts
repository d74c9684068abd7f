import { describe, expect, it } from 'vitest';
import { madeUpBatch, TOKENS } from './batches.fixture.ts';
import { frameViewOf } from './frame-cache.ts';
import { CHECKPOINT_FRAMES, TokenHistory } from './token-history.ts';

const FRAMES = 2 * CHECKPOINT_FRAMES + 10;
const batch = madeUpBatch(0, FRAMES);
const bitmapAt = (position: number) => frameViewOf(batch, position).bitmap;

/** How often `token` was recomputed in frames 0 to `position`: in the whole first frame and in its turns. */
const timesOf = (token: number, position: number) =>
	Math.floor((position - token) / TOKENS) + 1 + (token === 0 ? 0 : 1);

function filled(): TokenHistory {
	const history = new TokenHistory(TOKENS);
	for (let p = 0; p < FRAMES; p++) history.add(bitmapAt(p));
	return history;
}

describe('the history of tokens', () => {
	it.each([0, 11, CHECKPOINT_FRAMES - 1, CHECKPOINT_FRAMES, CHECKPOINT_FRAMES + 1, FRAMES - 1])(
		'counts every frame up to %i once',
		(position) => {
			const shares = filled().sharesAt(position, bitmapAt);
			const times = Array.from({ length: TOKENS }, (_, token) =>
				Math.max(timesOf(token, position), token === 0 ? 0 : 1),
			);
			expect([...shares!].map((share) => Math.round(share * (position + 1)))).toEqual(times);
		},
	);

	it('asks for no more bitmaps than lie behind the last checkpoint', () => {
		const asked: number[] = [];
		filled().sharesAt(CHECKPOINT_FRAMES + 2, (p) => (asked.push(p), bitmapAt(p)));
		expect(asked).toEqual([0, 1, 2].map((p) => p + CHECKPOINT_FRAMES));
	});

	it.each([
		['a frame that was not counted yet', FRAMES, bitmapAt],
		['a frame whose bitmaps are on their way', 3, () => null],
		['no frame', -1, bitmapAt],
	])('has no answer for %s', (_, position, source) => {
		expect(filled().sharesAt(position, source)).toBeNull();
	});
});

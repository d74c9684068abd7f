import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunTracks } from '../../main/tracking/run-tracks.ts';
import { checkEdits } from '../../main/tracking/check-edits.ts';
import type { TrackEdit } from '../../main/tracking/track-edits.ts';
import { setLanguage } from '../i18n/language.svelte.ts';
import { refusalText } from './refusal-text.ts';

beforeAll(() => void vi.stubGlobal('document', { documentElement: {} }));
afterAll(() => {
	setLanguage('en');
	vi.unstubAllGlobals();
});

/** Three objects in thirty frames: 1 throughout, 2 in every second frame, 3 at the end. */
function found(): RunTracks {
	const spans = [[0, 29], ...Array.from({ length: 7 }, (_, i) => [2 * i, 2 * i]), [20, 29]];
	return {
		framesKnown: 30,
		identities: Int32Array.of(1, 2, 3),
		classIndices: new Uint16Array(3),
		firstFrames: Int32Array.of(0, 0, 20),
		lastFrames: Int32Array.of(29, 12, 29),
		sightings: Int32Array.of(30, 7, 10),
		spanOffsets: Uint32Array.of(0, 1, 8, 9),
		spans: Int32Array.from(spans.flat()),
		names: [],
	};
}

function refusalOf(...edits: TrackEdit[]): string {
	const frames = Int32Array.from({ length: 30 }, (_, i) => i);
	try {
		checkEdits(found(), frames, edits);
	} catch (error) {
		return (error as Error).message;
	}
	throw new Error('These edits were to be refused.');
}

const HIDE: TrackEdit = { kind: 'hide', track: 2 };

it.each([
	['no track', [{ kind: 'hide', track: 9 }], '#9 '],
	['a hidden one', [HIDE, { kind: 'rename', track: 2, name: 'a' }], '#2 '],
	['a split at the first frame', [{ kind: 'split', track: 3, frame: 20 }], '20'],
	['a split after another edit', [HIDE, { kind: 'split', track: 1, frame: 40 }], '29'],
	['one with itself', [{ kind: 'join', tracks: [3, 3] }], '3, 3'],
	['two at once', [{ kind: 'join', tracks: [1, 3] }], '20–29'],
	['two at once in more places than are named', [{ kind: 'join', tracks: [1, 2] }], '0, 2, 4, 6, 8'],
] satisfies [string, TrackEdit[], string][])(
	'says of %s in both languages what was refused',
	(_, edits, part) => {
		const message = refusalOf(...edits);
		const texts = (['en', 'ja'] as const).map((language) => {
			setLanguage(language);
			return refusalText(message);
		});
		expect(texts[0]).toContain(part);
		expect(texts[1]).toContain(part);
		expect(texts[1]).not.toMatch(/[a-z{}]/);
		expect(texts[0]).not.toMatch(/[{}]/);
	},
);

it('has no words for other sentences', () => {
	expect(refusalText('The disk is full.')).toBeNull();
});

import { describe, expect, it } from 'vitest';
import type { RunTracks } from '../../main/tracking/run-tracks.ts';
import { findTracks, type TrackWish } from './find-tracks.ts';

const tracks = {
	identities: Int32Array.of(1, 2, 12, 1_000_001, 1_000_012),
	classIndices: Uint16Array.of(0, 1, 0, 0, 1),
} as RunTracks;
const names = new Map([[12, 'Courier 7']]);

describe('tracks that are looked for', () => {
	it.each<[string, Partial<TrackWish>, number[]]>([
		['all', {}, [0, 1, 2, 3, 4]],
		['by class', { classIndex: 1 }, [1, 4]],
		['by the word for a class', { text: 'Per' }, [0, 2, 3]],
		['by name', { text: ' cour' }, [2]],
		['by a digit, in names as well', { text: '7' }, [2]],
		['by number, with its parts', { text: '#1' }, [0, 3]],
		['by the number of a part', { text: '12B' }, [4]],
		['by both', { text: '#12', classIndex: 0 }, [2]],
		['none', { text: 'dog' }, []],
	])('%s', (_, wish, found) => {
		expect([
			...findTracks(tracks, names, ['person', 'car'], { text: '', classIndex: null, ...wish }),
		]).toEqual(found);
	});
});

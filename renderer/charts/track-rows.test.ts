import { describe, expect, it } from 'vitest';
import type { RunTracks } from '../../main/tracking/run-tracks.ts';
import { layTrackRows, trackAt } from './track-rows.ts';

const tracks = (spans: [first: number, last: number][]): RunTracks => ({
	framesKnown: 100,
	identities: Int32Array.from(spans, (_, i) => i + 1),
	classIndices: new Uint16Array(spans.length),
	firstFrames: Int32Array.from(spans, ([first]) => first),
	lastFrames: Int32Array.from(spans, ([, last]) => last),
	sightings: new Int32Array(spans.length).fill(2),
	spanOffsets: Uint32Array.from({ length: spans.length + 1 }, (_, i) => i),
	spans: Int32Array.from(spans.flat()),
	names: [],
});
const THREE = tracks([
	[0, 20],
	[10, 90],
	[50, 60],
]);

describe('lines of identities', () => {
	it.each([
		['everything', { from: -0.5, to: 99.5 }, [0, 1, 2]],
		['those that ended before are left out', { from: 30, to: 99 }, [1, 2]],
		['those that come later are left out', { from: 0, to: 40 }, [0, 1]],
		['one that only ends in sight', { from: 20.2, to: 40 }, [0, 1]],
		['nobody in sight', { from: 91, to: 99 }, []],
	])('%s', (_, window, expected) => {
		expect(layTrackRows(THREE, window, 60).tracks).toEqual(expected);
	});

	it.each([
		['few are no thicker than a finger', 60, 8],
		['many share the room', 12, 4],
		['more than there are pixels', 1.5, 0.5],
	])('%s', (_, height, expected) => {
		expect(layTrackRows(THREE, { from: 0, to: 99 }, height).height).toBe(expected);
	});

	it.each([
		['the first line', 0, 0],
		['the last line', 11.9, 2],
		['below all', 12, null],
		['above', -1, null],
	])('under the pointer: %s', (_, y, expected) => {
		expect(trackAt(layTrackRows(THREE, { from: 0, to: 99 }, 12), y)).toBe(expected);
	});
});

import { describe, expect, it } from 'vitest';
import type { TrackPaths } from '../../domain/track-paths.ts';
import { planCovers, type Box } from './covers.ts';

const PICTURE = { width: 200, height: 100 };
/** Ten frames a second. */
const CLIP = {
	frameIndices: Int32Array.from({ length: 20 }, (_, i) => i),
	timesSeconds: Float64Array.from({ length: 20 }, (_, i) => i / 10),
};

/** One track of boxes 10 × 20 whose left edges are given by frame. */
function track(lefts: Record<number, number>, top = 40): TrackPaths {
	const frames = Object.keys(lefts).map(Number);
	return {
		identities: Int32Array.of(7),
		classIndices: Uint16Array.of(0),
		offsets: Uint32Array.of(0, frames.length),
		frameIndices: Int32Array.from(frames),
		timesSeconds: Float64Array.from(frames, (f) => f / 10),
		boxesXyxy: Float32Array.from(frames.flatMap((f) => [lefts[f]!, top, lefts[f]! + 10, top + 20])),
		scores: new Float32Array(frames.length).fill(0.9),
	};
}

const still = (from: number, to: number) =>
	Object.fromEntries(Array.from({ length: to - from + 1 }, (_, i) => [from + i, 100]));

function planned(
	paths: TrackPaths,
	options: { margin?: number; lead?: number; analysed?: (frame: number) => boolean; clip?: typeof CLIP } = {},
) {
	const { margin = 0, lead = 0.3, analysed = () => true, clip = CLIP } = options;
	const { covers, interruptions } = planCovers(paths, [0], clip, analysed, {
		margin,
		lead,
		pictureSize: PICTURE,
	});
	const at = (i: number): Box[] => covers.boxes.slice(covers.offsets[i], covers.offsets[i + 1]);
	const covered = Array.from(clip.frameIndices).filter((_, i) => at(i).length > 0);
	return { at, covered, interruptions };
}

const holds = (outer: Box, inner: Box) =>
	outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];
const frames = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('what is hidden', () => {
	it('a box that is seen, with its margin', () => {
		const { at } = planned(track(still(5, 9)), { margin: 0.5 });
		expect(at(6)).toEqual([[95, 30, 115, 70]]);
	});

	it('for a while before and after', () => {
		expect(planned(track(still(5, 9))).covered).toEqual(frames(2, 12));
		expect(planned(track(still(5, 9)), { lead: 0 }).covered).toEqual(frames(5, 9));
	});

	it('where somebody who walks would have been before and after, and where they were', () => {
		const { at } = planned(track({ 5: 50, 6: 54, 7: 58, 8: 62 }));
		expect(holds(at(3)[0]!, [42, 40, 52, 60])).toBe(true);
		expect(holds(at(3)[0]!, [50, 40, 60, 60])).toBe(true);
		expect(holds(at(11)[0]!, [74, 40, 84, 60])).toBe(true);
		expect(holds(at(11)[0]!, [62, 40, 72, 60])).toBe(true);
	});

	it('in a gap the way from one sighting to the next, growing with the time to the nearer one', () => {
		const { at, covered } = planned(track({ 2: 20, 3: 24, 9: 48, 10: 52 }));
		expect(covered).toEqual(frames(0, 13));
		for (const frame of frames(4, 8)) {
			const left = 24 + 4 * (frame - 3);
			expect(holds(at(frame)[0]!, [left, 40, left + 10, 60]), `frame ${frame}`).toBe(true);
		}
		const width = (frame: number) => at(frame)[0]![2] - at(frame)[0]![0];
		expect(width(6)).toBeGreaterThan(width(4));
		expect(width(6)).toBeCloseTo(10 * (1 + 2 * 0.15), 5);
	});

	it('in frames that were not analysed', () => {
		const every = track({ 0: 20, 5: 40, 10: 60 });
		const { covered, interruptions } = planned(every, { analysed: (frame) => frame % 5 === 0, lead: 0 });
		expect(covered).toEqual(frames(0, 14));
		expect(interruptions.filter(({ what }) => what === 'gap')).toEqual([]);
	});

	it('through all frames that nobody looked at, before and after', () => {
		const { covered } = planned(track({ 10: 100 }), { analysed: (frame) => frame % 10 === 0, lead: 0.1 });
		expect(covered).toEqual(frames(1, 19));
	});

	it('in a clip that begins and ends within a gap', () => {
		const clip = { frameIndices: CLIP.frameIndices.slice(5, 8), timesSeconds: CLIP.timesSeconds.slice(5, 8) };
		const { covered } = planned(track({ 2: 20, 3: 24, 9: 48, 10: 52 }), { clip });
		expect(covered).toEqual([5, 6, 7]);
	});

	it('of a track that is not in the clip nothing', () => {
		const clip = { frameIndices: CLIP.frameIndices.slice(15), timesSeconds: CLIP.timesSeconds.slice(15) };
		expect(planned(track(still(2, 6)), { clip })).toMatchObject({ covered: [], interruptions: [] });
	});
});

describe('where to look', () => {
	it.each<[string, TrackPaths, object[]]>([
		[
			'appeared and vanished in the middle of the picture',
			track(still(5, 9)),
			[
				{ identity: 7, what: 'appeared', fromFrame: 2, toFrame: 4 },
				{ identity: 7, what: 'vanished', fromFrame: 10, toFrame: 12 },
			],
		],
		['came in and went out at the edges', track({ 5: 1, 6: 90, 7: 189 }), []],
		['there from the first frame to the last', track(still(0, 19)), []],
		[
			'a gap',
			track({ ...still(0, 5), ...still(9, 19) }),
			[{ identity: 7, what: 'gap', fromFrame: 6, toFrame: 8 }],
		],
	])('%s', (_, paths, expected) => {
		expect(planned(paths).interruptions).toEqual(expected);
	});
});

import { describe, expect, it } from 'vitest';
import { Detections } from '../domain/detections.ts';
import { identityLabel, identityOf } from '../domain/track-labels.ts';
import { checkEdits } from './check-edits.ts';
import { parseTrackEdits, trackEditsToText } from './edits-file.ts';
import { RunIdentities, type TrackedRun } from './run-tracks.ts';
import { EditedIdentities, type TrackEdit } from './track-edits.ts';

const B = 1_000_001; // what was split off track 1
const C = 2_000_001;

/**
 * Every second frame from 100 on, ten a second. Track 1 stands at 0 in all 12; track 2 at 100 in the first four; track 3 at 200 in
 * the last six, and of another class.
 */
function runOf(frameCount = 12): TrackedRun & { countOf: (position: number) => number } {
	const frame = (p: number) => {
		const lefts = [0, ...(p < 4 ? [100] : []), ...(p >= 6 ? [200] : [])];
		return new Detections(
			Uint16Array.from(lefts, (left) => (left === 200 ? 1 : 0)),
			Float32Array.from(lefts, (_, i) => 0.9 - i / 20),
			Float32Array.from(lefts.flatMap((left) => [left, 10, left + 20, 50])),
		);
	};
	return {
		frameCount,
		header: { displayThresholds: [0.3, 0.3], video: { displaySize: { width: 300, height: 100 } } },
		frames: {
			frameIndex: Int32Array.from({ length: frameCount }, (_, p) => 100 + 2 * p),
			timeSeconds: Float64Array.from({ length: frameCount }, (_, p) => p / 10),
			camera: null,
		},
		viewDetections: frame,
		countOf: (p) => frame(p).count,
	};
}

function follow(edits: readonly TrackEdit[], frameCount?: number): RunIdentities {
	const run = runOf(frameCount);
	const identities = new RunIdentities(run.header.displayThresholds, edits);
	for (const step of identities.follow(run)) void step;
	return identities;
}

/** Identity → its spans of frames, and how often it was seen in frames. */
function seenWith(edits: readonly TrackEdit[], frameCount?: number) {
	const identities = follow(edits, frameCount);
	const { spanOffsets, spans, ...tracks } = identities.tracks();
	const flat = identities.ofFrames(0, identities.known, runOf().countOf).identities;
	return Object.fromEntries(
		Array.from(tracks.identities, (identity, i) => {
			expect(flat.filter((other) => other === identity)).toHaveLength(tracks.sightings[i]!);
			return [identity, [...spans.subarray(2 * spanOffsets[i]!, 2 * spanOffsets[i + 1]!)]];
		}),
	);
}

const split = (track: number, frame: number): TrackEdit => ({ kind: 'split', track, frame });
const join = (...tracks: number[]): TrackEdit => ({ kind: 'join', tracks });
const rename = (track: number, name: string): TrackEdit => ({ kind: 'rename', track, name });
const hide = (track: number): TrackEdit => ({ kind: 'hide', track });

const UNEDITED = { 1: [100, 122], 2: [100, 106], 3: [112, 122] };

describe('edits of tracks', () => {
	it.each<[string, TrackEdit[], Record<number, number[]>]>([
		['none', [], UNEDITED],
		[
			'a split makes another one from its frame on',
			[split(1, 110)],
			{ ...UNEDITED, 1: [100, 108], [B]: [110, 122] },
		],
		['at a frame that was not analysed', [split(1, 109)], { ...UNEDITED, 1: [100, 108], [B]: [110, 122] }],
		[
			'parts are split again, and counted on',
			[split(1, 110), split(B, 116), split(1, 104)],
			{ ...UNEDITED, 1: [100, 102], [B]: [110, 114], [C]: [116, 122], 3_000_001: [104, 108] },
		],
		['joined ones have the first one’s number', [join(3, 2)], { 1: [100, 122], 3: [100, 106, 112, 122] }],
		['parts that are joined again are whole again', [split(1, 110), join(1, B)], UNEDITED],
		[
			'two that changed places change back: split both, join crosswise',
			[split(1, 104), split(2, 104), join(1, 1_000_002), join(2, B)],
			{ 1: [100, 106], 2: [100, 122], 3: [112, 122] },
		],
		[
			'a joined one is split where it comes from another',
			[join(2, 3), split(2, 112)],
			{ 1: [100, 122], 2: [100, 106], 1_000_002: [112, 122] },
		],
		['hidden ones are nobody', [hide(1)], { 2: [100, 106], 3: [112, 122] }],
		['a part is hidden', [split(1, 104), hide(1)], { 2: [100, 106], 3: [112, 122], [B]: [104, 122] }],
	])('%s', (_, edits, expected) => {
		checkEdits(follow([]).tracksFound(), runOf().frames.frameIndex, edits);
		expect(seenWith(edits)).toEqual(expected);
	});

	it('without the last one are what they were before it', () => {
		const edits = [split(1, 110), join(2, 3), hide(B)];
		for (let count = edits.length; count >= 0; count--) {
			const identities = follow(edits);
			identities.edit(edits.slice(0, count));
			expect(identities.tracks()).toEqual(follow(edits.slice(0, count)).tracks());
		}
	});

	it('say the same of what was there when a run grows', () => {
		const edits = [split(1, 104), join(2, B)];
		expect(seenWith(edits, 6)).toEqual({ 1: [100, 102], 2: [100, 110] });
		expect(seenWith(edits)).toEqual({ 1: [100, 102], 2: [100, 122], 3: [112, 122] });
	});

	it('joined ones that meet later: in such a frame the surer box has the number', () => {
		const identities = follow([join(1, 3)]);
		const { identities: inFrame } = identities.ofFrames(8, 9, runOf().countOf);
		expect([...inFrame]).toEqual([1, 0]);
		expect(seenWith([join(1, 3)])).toEqual({ 1: [100, 122], 2: [100, 106] });
	});

	it('keep names: of a joined one the first that has one, of a hidden one none', () => {
		expect(follow([rename(3, 'Courier')]).tracks().names).toEqual([[3, 'Courier']]);
		expect(follow([rename(3, 'Courier'), join(2, 3)]).tracks().names).toEqual([[2, 'Courier']]);
		expect(follow([rename(2, 'Guard'), rename(3, 'Courier'), join(2, 3)]).tracks().names).toEqual([
			[2, 'Guard'],
		]);
		expect(follow([rename(2, 'Guard'), rename(2, '')]).tracks().names).toEqual([]);
		expect(follow([rename(2, 'Guard'), hide(2)]).tracks().names).toEqual([]);
	});

	it('the class of joined ones is that of the earliest', () => {
		const { identities, classIndices } = follow([join(3, 2)]).tracks();
		expect(classIndices[identities.indexOf(3)]).toBe(0);
	});

	it.each<[TrackEdit[], RegExp]>([
		[[split(9, 110)], /a track that the run shows was expected \(got 9,/],
		[[hide(1), split(1, 110)], /Edit 2: .*\(got 1, which is none, or was joined, split or hidden\)/],
		[[join(2, 3), rename(3, 'X')], /got 3/],
		[[split(1, 100)], /a frame after 100 and up to 122 was expected to split track 1 at \(got 100\)/],
		[[split(1, 123)], /got 123/],
		[[split(1, 109), split(B, 110)], /after 110 and up to 122 .* track 1b/],
		[[split(1, 110), split(B, 110)], /after 110 and up to 122 .* track 1b/],
		[[join(2, 2)], /two different tracks or more were expected \(got 2, 2\)/],
		[[join(1, 3)], /\(1 and 3 are both seen in frames 112–122\); split one of them there first/],
		[[split(1, 102), join(2, 1)], /\(2 and 1 are both seen in frame 100\)/],
		[[join(2, 3), join(1, 2)], /\(1 and 2 are both seen in frames 100–106, 112–122\)/],
	])('%j is refused', (edits, sentence) => {
		expect(() => checkEdits(follow([]).tracksFound(), runOf().frames.frameIndex, edits)).toThrow(sentence);
	});

	it.each([
		[12, '12'],
		[1_000_012, '12b'],
		[25_000_012, '12z'],
		[26_000_012, '12.27'],
	])('%s is shown as %s', (identity, label) => {
		expect(identityLabel(identity)).toBe(label);
		expect(identityOf(`#${label}`)).toBe(identity);
	});

	it('look up a thousand splits of one track in time', () => {
		const edits = Array.from({ length: 1000 }, (_, i) => split(i === 0 ? 1 : 1 + i * 1_000_000, 10 * i + 10));
		const identities = new EditedIdentities(edits);
		expect(identities.at(1, 9)).toBe(1);
		expect(identities.at(1, 10_005)).toBe(1_000_000_001);
	});
});

describe('a file of edits', () => {
	const edits = [split(1, 110), join(2, 3), rename(2, '  Courier '), hide(B)];

	it('gives them back', () => {
		expect(parseTrackEdits(trackEditsToText(edits), 'x.json')).toEqual(
			edits.map((edit) => (edit.kind === 'rename' ? { ...edit, name: 'Courier' } : edit)),
		);
	});

	const changed = (part: object) => JSON.stringify({ ...JSON.parse(trackEditsToText(edits)), ...part });
	it.each([
		['{', /^x\.json: edits of tracks as JSON were expected/],
		['[]', /^x\.json: the file is not as edits of tracks have it/],
		[changed({ edits: [{ kind: 'split', track: 0, frame: 1 }] }), /edits\.0\.track is not as/],
		[changed({ edits: [{ kind: 'rename', track: 1, name: 'a\nb' }] }), /edits\.0\.name .*one line of text/],
		[changed({ edits: [{ kind: 'join', tracks: [1] }] }), /edits\.0\.tracks/],
		[changed({ tracker: 1 }), /numbered as now \(edition 2\) were expected \(got edition 1\)/],
	])('%s is refused', (text, sentence) => {
		expect(() => parseTrackEdits(text, 'x.json')).toThrow(sentence);
	});
});

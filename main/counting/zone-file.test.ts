import { expect, test } from 'vitest';
import type { ZoneSet } from '../domain/zones.ts';
import { fitZones, parseZones, scaledRemark, zonesToText } from './zone-file.ts';
import { zoneProblems, zoneProblemSentence } from './zone-problems.ts';

const ZONES: ZoneSet = {
	format: 'sparsight-zones',
	version: 1,
	pictureSize: { width: 640, height: 480 },
	anchor: 'bottom',
	hysteresis: 0.05,
	zones: [{ id: 'yard', name: 'Yard', points: [[10, 10], [200, 10], [200, 300]] }], // prettier-ignore
	lines: [{ id: 'gate', name: 'Gate', from: [0, 240], to: [320, 240] }],
};
const [YARD] = ZONES.zones;
const [GATE] = ZONES.lines;

test('zones come back as they were written', () => {
	expect(parseZones(zonesToText(ZONES), 'zones.json')).toEqual(ZONES);
});

test('names come onto one line', () => {
	const text = changed({ lines: [{ ...GATE, name: ' North\r\ngate\u0007 ' }] });
	expect(parseZones(text, 'zones.json').lines[0]!.name).toBe('North gate');
});

test.for<[what: string, text: string, sentence: RegExp]>([
	['no JSON', '{', /^zones\.json: zones as JSON were expected \(got /],
	['a list', '[]', /^zones\.json: the file is not as zones have it \(.*expected object, received array/],
	['another version', changed({ version: 2 }), /: version is not as zones have it \(.*expected 1/],
	['an unknown anchor', changed({ anchor: 'feet' }), /: anchor is .*"bottom"/],
	['too much hysteresis', changed({ hysteresis: 2 }), /: hysteresis is .*<=1/],
	['two corners', changed({ zones: [{ ...YARD, points: [[0, 0], [1, 1]] }] }), /: zones\[0\]\.points is .*>=3/], // prettier-ignore
	['a corner of words', changed({ zones: [{ ...YARD, points: [[0, 0], [1, 1], ['a', 2]] }] }), /: zones\[0\]\.points\[2\]\[0\] is .*received string/], // prettier-ignore
	['a name of line breaks', changed({ zones: [{ ...YARD, name: '\n\t' }] }), /: zones\[0\]\.name is .*>=1/],
	['an id twice', changed({ lines: [{ ...GATE, id: 'yard' }] }), /each id once/],
	['an id with a path', changed({ lines: [{ ...GATE, id: '../x' }] }), /: lines\[0\]\.id is .*small letters/],
	['an unknown field', changed({ colour: 'red' }), /colour/],
	['a bow tie', changed({ zones: [{ ...YARD, points: [[0, 0], [9, 9], [9, 0], [0, 9]] }] }), /: “Yard”: edges that do not cross/], // prettier-ignore
	['corners on a line', changed({ zones: [{ ...YARD, points: [[0, 0], [5, 5], [9, 9]] }] }), /“Yard”/], // prettier-ignore
	['a zone outside', changed({ zones: [{ ...YARD, points: [[700, 0], [800, 0], [800, 90]] }] }), /“Yard”: a part within the picture of 640×480/], // prettier-ignore
	[
		'a line without length',
		changed({ lines: [{ ...GATE, to: GATE!.from }] }),
		/“Gate”: a line with two different ends/,
	],
	[
		'a line outside',
		changed({ lines: [{ ...GATE, from: [0, 500], to: [600, 500] }] }),
		/“Gate”: a part within/,
	],
])('a file with %s is refused in a sentence', ([, text, sentence]) => {
	expect(() => parseZones(text, 'zones.json')).toThrow(
		expect.objectContaining({ code: 'zones-unreadable', message: expect.stringMatching(sentence) }),
	);
});

test('a zone around the whole picture and a line through it from beyond are no problem', () => {
	const zones = [{ ...YARD!, points: [[-9, -9], [700, -9], [700, 500], [-9, 500]] as const }]; // prettier-ignore
	expect(zoneProblems({ ...ZONES, zones, lines: [{ ...GATE!, from: [-5, 100], to: [700, 90] }] })).toEqual(
		[],
	);
});

test('problems have a sentence in Japanese', () => {
	const lines = [{ ...GATE!, to: GATE!.from }];
	const [problem] = zoneProblems({ ...ZONES, lines });
	expect(zoneProblemSentence(problem!, 'ja')).toBe(
		'「Gate」の両端が同じ位置にあります。端を動かしてください。',
	);
});

test('a template of another size and the same shape is scaled, and says so', () => {
	const larger = { width: 1280, height: 960 };
	const { zones, scale } = fitZones(ZONES, larger, 'zones.json');
	expect(scale).toBe(2);
	expect(zones.pictureSize).toEqual(larger);
	expect(zones.zones[0]!.points[2]).toEqual([400, 600]);
	expect(zones.lines[0]!.to).toEqual([640, 480]);
	expect(scaledRemark(ZONES.pictureSize, larger, 'en')).toBe(
		'The zones were drawn on 640×480 and are scaled to 1280×960.',
	);
});

test('a template of the same size stays as it is', () => {
	expect(fitZones(ZONES, { width: 640, height: 480 }, 'zones.json')).toEqual({ zones: ZONES, scale: 1 });
});

test('sides that are rounded to whole pixels have one shape', () => {
	expect(fitZones(ZONES, { width: 427, height: 320 }, 'zones.json').scale).toBeCloseTo(2 / 3, 2);
});

test('a template of another shape is refused', () => {
	expect(() => fitZones(ZONES, { width: 1920, height: 1080 }, 'zones.json')).toThrow(
		'zones.json: zones for a picture of 1920×1080, or of the same shape, were expected (these were drawn on 640×480).',
	);
});

function changed(fields: object): string {
	return JSON.stringify({ ...ZONES, ...fields });
}

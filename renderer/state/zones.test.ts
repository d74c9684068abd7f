import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Point } from '../../main/domain/zones.ts';
import { FakeHost } from './fake-host.fixture.ts';
import { Undo } from './undo.svelte.ts';
import { ZoneEditor } from './zones.svelte.ts';

const SIZE = { width: 640, height: 480 };
const SQUARE: Point[] = [[100, 100], [200, 100], [200, 200], [100, 200]]; // prettier-ignore

let host: FakeHost;
let undo: Undo;
let editor: ZoneEditor;

beforeEach(() => {
	vi.useFakeTimers();
	host = new FakeHost().answer('zones.set', () => null);
	undo = new Undo();
	editor = new ZoneEditor(host, { videoId: 'video', info: { displaySize: SIZE } }, undo);
	return () => vi.useRealTimers();
});

function draw(points: readonly Point[]): void {
	editor.draw('zone');
	for (const point of points) editor.corner(point, 'Zone');
	editor.finish('Zone');
}
const corners = () => editor.set.zones[0]?.points;

describe('drawing', () => {
	it('makes a zone of its corners and stores it, once for many changes', async () => {
		draw(SQUARE);
		editor.rename('zone-1', 'Yard');
		expect(editor.set.zones).toEqual([{ id: 'zone-1', name: 'Yard', points: SQUARE }]);
		expect(editor.selected).toBe('zone-1');
		await vi.runAllTimersAsync();
		expect(host.asked).toEqual([{ name: 'zones.set', input: { videoId: 'video', zones: editor.set } }]);
	});

	it('ends a line with its second corner', () => {
		editor.draw('line');
		editor.corner([0, 240], 'Line');
		editor.corner([639, 240], 'Line');
		expect(editor.set.lines).toEqual([{ id: 'line-1', name: 'Line 1', from: [0, 240], to: [639, 240] }]);
		editor.flip('line-1');
		expect(editor.set.lines[0]).toMatchObject({ from: [639, 240], to: [0, 240] });
	});

	it('keeps corners within the picture', () => {
		draw([[-20, -5], [700, 10], [300, 900]]); // prettier-ignore
		expect(corners()).toEqual([[0, 0], [640, 10], [300, 480]]); // prettier-ignore
	});

	it('refuses a corner whose edge would cross another, and goes on', () => {
		editor.draw('zone');
		for (const point of [...SQUARE.slice(0, 3), [150, 50] as Point]) editor.corner(point, 'Zone');
		expect(editor.problem).toMatchObject({ kind: 'self-crossing', edges: [1, 3] });
		expect(editor.drawing?.points).toHaveLength(3);
		editor.corner(SQUARE[3]!, 'Zone');
		expect(editor.problem).toBeNull();
	});

	it.each<[what: string, points: Point[], kind: string]>([
		['whose last edge crosses', [[0, 50], [100, 50], [100, 100], [150, 75]], 'self-crossing'], // prettier-ignore
		['without an area', [[0, 0], [50, 50], [100, 100]], 'no-area'], // prettier-ignore
	])('does not close a zone %s', (_, points, kind) => {
		draw(points);
		expect(editor.set.zones).toEqual([]);
		expect(editor.problem?.kind).toBe(kind);
		expect(editor.drawing).not.toBeNull();
	});
});

describe('changing', () => {
	beforeEach(() => draw(SQUARE));

	it('moves a zone as far as the picture goes, in its shape', () => {
		editor.move('zone-1', -300, 10);
		editor.settleDrag();
		expect(corners()).toEqual([[0, 110], [100, 110], [100, 210], [0, 210]]); // prettier-ignore
	});

	it('takes a drag back that makes edges cross', () => {
		editor.moveCorner('zone-1', 0, [300, 150]);
		expect(corners()![0]).toEqual([300, 150]);
		editor.settleDrag();
		expect(corners()).toEqual(SQUARE);
		expect(editor.problem?.kind).toBe('self-crossing');
	});

	it('adds and removes corners; of three none can be spared', () => {
		editor.addCorner('zone-1', 3);
		editor.settleDrag();
		expect(corners()![4]).toEqual([100, 150]);
		for (const left of [4, 3]) {
			editor.removeCorner('zone-1', 0);
			expect(corners()).toHaveLength(left);
		}
		editor.removeCorner('zone-1', 0);
		expect(editor.set.zones).toEqual([]);
	});

	it('is taken back and done again, a drag as one step', () => {
		for (const x of [101, 105, 110]) editor.moveCorner('zone-1', 0, [x, 100]);
		editor.settleDrag();
		undo.undo();
		expect(corners()).toEqual(SQUARE);
		undo.undo();
		expect(editor.set.zones).toEqual([]);
		expect(undo.canUndo).toBe(false);
		undo.redo();
		undo.redo();
		expect(corners()![0]).toEqual([110, 100]);
		expect(undo.canRedo).toBe(false);
	});

	it('says what size a template was drawn on', async () => {
		const zones = { ...editor.set, zones: [] };
		host.answer('templates.use', () => ({ zones, scaledFrom: { width: 1280, height: 960 } }));
		await editor.useTemplate('Yard');
		expect(editor.set.zones).toEqual([]);
		expect(editor.scaledFrom).toEqual({ width: 1280, height: 960 });
		undo.undo();
		expect(corners()).toEqual(SQUARE);
	});
});

describe('what was stored', () => {
	const refused = (code: 'zones-set-aside' | 'file-unreadable') => {
		host.answer('templates.list', () => ['Yard']).refuse('zones.get', code);
		return editor.load();
	};

	it('is left alone while it is unknown, and is asked for again by who draws', async () => {
		await refused('file-unreadable');
		draw(SQUARE);
		await vi.runAllTimersAsync();
		expect([editor.set.zones, editor.error?.code]).toEqual([[], 'file-unreadable']);
		expect([host.count('zones.set'), host.count('zones.get')]).toEqual([0, 2]);
	});

	it('is told to be kept aside where it cannot be read, and one draws on', async () => {
		await refused('zones-set-aside');
		expect([editor.error?.code, editor.templates]).toEqual(['zones-set-aside', ['Yard']]);
		draw(SQUARE);
		await vi.runAllTimersAsync();
		expect(host.count('zones.set')).toBe(1);
	});
});

it.each(['utf8', 'utf16le'] as const)(
	'a file in %s is read without its byte order mark',
	async (encoding) => {
		host.answer('zones.read', () => ({ zones: editor.set, scaledFrom: null }));
		await editor.readFile(new File([Buffer.from('\uFEFF{"name": "門"}', encoding)], 'Yard.json'));
		const input = { videoId: 'video', name: 'Yard.json', text: '{"name": "門"}' };
		expect(host.asked).toEqual([{ name: 'zones.read', input }]);
	},
);

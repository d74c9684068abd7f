import { beforeEach, describe, expect, it } from 'vitest';
import { UserFacingError } from '../../main/domain/errors.ts';
import type { TrackEdit } from '../../main/tracking/track-edits.ts';
import { FakeHost } from './fake-host.fixture.ts';
import { TrackEditor } from './tracks.svelte.ts';
import { Undo } from './undo.svelte.ts';

const B = 1_000_001;

let stored: TrackEdit[];
let reloads: number;
let undo: Undo;
let host: FakeHost;
let editor: TrackEditor;

beforeEach(() => {
	stored = [];
	reloads = 0;
	undo = new Undo();
	host = new FakeHost()
		.answer('tracks.edits', () => stored)
		.answer('tracks.edit', ({ edits }) => {
			const last = edits.at(-1);
			if (last?.kind === 'join' && last.tracks.includes(9)) {
				throw new UserFacingError(
					'edit-refused',
					'tracks that are never seen in the same frame were expected',
				);
			}
			stored = edits;
			return null;
		});
	const run = { runId: 'a', identities: { reload: () => Promise.resolve(void reloads++) } };
	editor = new TrackEditor(host, undo, () => [run]);
});

/** Lets what was begun end. */
const settled = () => new Promise((resolve) => setTimeout(resolve));

describe('tracks edited by hand', () => {
	it('are split, and the new part is the selected one, which gets a name', async () => {
		await editor.pick('a', 1);
		await editor.split(40);
		expect(editor.selected).toEqual({ runId: 'a', identity: B });
		await editor.rename('  Courier ');
		expect(stored).toEqual([
			{ kind: 'split', track: 1, frame: 40 },
			{ kind: 'rename', track: B, name: 'Courier' },
		]);
		await editor.split(60);
		expect(editor.selectedIn('a')).toBe(2_000_001);
		expect(reloads).toBe(3);
	});

	it('are joined with who is picked next, and once only', async () => {
		await editor.pick('a', 1);
		editor.joining = true;
		await editor.pick('a', 1);
		await editor.pick('a', 0);
		expect(editor.joining).toBe(true);
		await editor.pick('a', 4);
		expect(stored).toEqual([{ kind: 'join', tracks: [1, 4] }]);
		expect([editor.joining, editor.selectedIn('a')]).toEqual([false, 1]);
		await editor.pick('a', 5);
		expect(editor.selectedIn('a')).toBe(5);
	});

	it('are hidden, listed, and shown again', async () => {
		await editor.pick('a', 3);
		await editor.hide();
		expect([editor.selected, editor.hiddenIn('a')]).toEqual([null, [3]]);
		await editor.show('a', 3);
		expect([editor.selectedIn('a'), editor.hiddenIn('a'), stored]).toEqual([3, [], []]);
	});

	it('are taken back and made again, with the selection', async () => {
		await editor.pick('a', 1);
		await editor.split(40);
		undo.undo();
		await settled();
		expect([stored, editor.selectedIn('a')]).toEqual([[], 1]);
		undo.redo();
		await settled();
		expect([stored.length, editor.selectedIn('a')]).toEqual([1, B]);
	});

	it('take nothing back that another program has changed since, and say so', async () => {
		await editor.pick('a', 1);
		await editor.split(40);
		stored = [...stored, { kind: 'hide', track: 2 }];
		undo.undo();
		await settled();
		expect([stored.length, editor.overtaken]).toEqual([2, true]);
		await editor.catchUp();
		expect(editor.hiddenIn('a')).toEqual([2]);
	});

	it('keep the reason of a refusal, nothing of the change, and no step to take back', async () => {
		await editor.pick('a', 1);
		await editor.join(9);
		expect(editor.error).toMatchObject({ code: 'edit-refused' });
		expect([stored, undo.canUndo, editor.selectedIn('a')]).toEqual([[], false, 1]);
		await editor.rename('X');
		expect(editor.error).toBeNull();
	});

	it('read what was stored once, and ask for tracks only where that is news', async () => {
		stored = [{ kind: 'hide', track: 2 }];
		await editor.catchUp();
		await editor.catchUp();
		expect(reloads).toBe(1);
	});
});

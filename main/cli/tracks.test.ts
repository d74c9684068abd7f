import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Detections } from '../domain/detections.ts';
import { storeSampleRun } from '../export/run.fixture.ts';
import type { Session } from './options.ts';
import { defineTracks, tracksCommand } from './tracks.ts';

let root: string;
const run = () => join(root, 'run');
const file = () => join(root, 'notes', 'track-edits-run.json');

/** Two who stand side by side: the first in frames 0 to 5, the other from 3 on. */
beforeEach(async () => {
	root = await mkdtemp(join(tmpdir(), 'sparsight-tracks-'));
	const detectionsOf = (f: number) => {
		const lefts = [...(f < 6 ? [10] : []), ...(f >= 3 ? [60] : [])];
		const boxes = Float32Array.from(lefts.flatMap((left) => [left, 10, left + 20, 50]));
		const scores = Float32Array.from(lefts, (_, i) => 0.9 - i / 20);
		return new Detections(new Uint16Array(lefts.length), scores, boxes);
	};
	await storeSampleRun(run(), { frames: 10, detectionsOf });
});
afterEach(() => rm(root, { recursive: true }));

/** What the command prints as JSON. */
async function tracks(...words: string[]) {
	let printed: unknown;
	const session = { console: { result: (json: unknown) => (printed = json) } } as unknown as Session;
	const command = defineTracks(new Command().exitOverride());
	command.action(async (folder: string, options: object) => {
		await tracksCommand(folder, options, session);
	});
	await command.parseAsync([run(), ...words], { from: 'user' });
	const { tracks: rows, edits } = printed as {
		tracks: { identity: number; name: string; firstFrame: number; lastFrame: number }[];
		edits: unknown[];
	};
	return {
		rows: rows.map(({ identity, name, firstFrame, lastFrame }) => [identity, name, firstFrame, lastFrame]),
		edits: edits.length,
	};
}

describe('sparsight tracks', () => {
	it('lists what was followed, and writes nothing', async () => {
		// prettier-ignore
		expect(await tracks()).toEqual({ rows: [[1, '', 0, 5], [2, '', 3, 9]], edits: 0 });
		await expect(readFile(file())).rejects.toThrow('ENOENT');
	});

	it('applies edits in the order given, keeps them, and takes them back one by one', async () => {
		const edited = await tracks('--split', '1@3', '--hide', '1b', '--rename', '1=Courier', '--join', '1,2');
		expect(edited).toEqual({ rows: [[1, 'Courier', 0, 9]], edits: 4 });
		expect(await tracks()).toEqual(edited);
		// prettier-ignore
		expect(await tracks('--undo')).toEqual({ rows: [[1, 'Courier', 0, 2], [2, '', 3, 9]], edits: 3 });
		// prettier-ignore
		expect(await tracks('--undo', '--rename', '2=Guard')).toEqual({ rows: [[1, '', 0, 2], [2, 'Guard', 3, 9]], edits: 3 });
	});

	it.each([
		[['--join', '1,2'], /both seen in frames 3–5/],
		[['--join', '1'], /--join: two tracks or more such as 3,17/],
		[['--rename', '1=a\nb'], /--rename: a name of one line .*got "a b"/],
		[['--split', '1'], /--split: a track and a frame such as 12@340 were expected \(got "1"\)/],
		[['--split', 'x@3'], /--split: a track such as 12 or 12b was expected \(got "x"\)/],
		[['--rename', '1'], /--rename: a track and a name such as 3=Courier/],
		[['--hide', '7'], /got 7, which is none/],
		[['--undo'], /an edit to take back was expected \(there is none\)/],
		[['--edits', '/nowhere/edits.json'], /nowhere/],
	])('%j is refused, and nothing kept', async (words, sentence) => {
		await expect(tracks(...words)).rejects.toThrow(sentence);
		await expect(readFile(file())).rejects.toThrow('ENOENT');
	});
});

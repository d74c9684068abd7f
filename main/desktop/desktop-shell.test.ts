import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { DesktopShell } from './desktop-shell.ts';
import { dialog, powerSaveBlocker, shell as system, utilityProcess } from './electron.fixture.ts';
import { wordsOf } from './shell-words.ts';

vi.mock('electron', () => import('./electron.fixture.ts'));

const CANCELLED = { canceled: true, filePaths: [], filePath: '' };

let shell: DesktopShell;
beforeEach(() => {
	dialog.shown.length = 0;
	dialog.answer = CANCELLED;
	shell = new DesktopShell({
		window: () => null,
		words: () => wordsOf('en'),
		exportsFolder: '/documents',
		workerEntries: {
			analysis: '/app/worker.js',
			export: '/app/export-worker.js',
			probe: '/app/probe-worker.js',
			provider: '/app/provider-probe.js',
		},
	});
});

it('keeps the machine awake while a batch is going, once', () => {
	shell.keepAwake(true);
	shell.keepAwake(true);
	expect([...powerSaveBlocker.on.values()]).toEqual(['prevent-app-suspension']);
	shell.keepAwake(false);
	shell.keepAwake(false);
	expect(powerSaveBlocker.on.size).toBe(0);
});

describe('dialogs', () => {
	it('give the chosen videos', async () => {
		dialog.answer = { canceled: false, filePaths: ['/a.mp4', '/b.avi'], filePath: '' };
		expect(await shell.chooseVideos()).toEqual(['/a.mp4', '/b.avi']);
		const extensions = dialog.shown[0]!.filters!.flatMap((filter) => filter.extensions);
		expect(extensions).toEqual(expect.arrayContaining(['mp4', 'avi', 'mkv', '*']));
	});

	it('give nothing when the person cancels', async () => {
		expect(await shell.chooseVideos()).toEqual([]);
		expect(await shell.chooseTruth('/videos/a.mp4')).toBeNull();
		expect(await shell.chooseExportTarget('a.csv', 'csv')).toBeNull();
	});

	it('look for ground truth beside the video', async () => {
		await shell.chooseTruth('/videos/a.mp4');
		expect(dialog.shown[0]!.defaultPath).toBe('/videos');
	});

	it.each([
		['with its extension', '/out/a.csv', '/out/a.csv'],
		['without one', '/out/a', '/out/a.csv'],
		['with another one', '/out/a.txt', '/out/a.txt'],
	])('put an export where the person wants it: %s', async (_, filePath, target) => {
		dialog.answer = { canceled: false, filePaths: [], filePath };
		expect(await shell.chooseExportTarget('a.csv', 'csv')).toBe(target);
	});

	it('offer the folder of the last export for the next one', async () => {
		dialog.answer = { canceled: false, filePaths: [], filePath: join('/out', 'a.csv') };
		await shell.chooseExportTarget('a.csv', 'csv');
		await shell.chooseExportTarget('b.csv', 'csv');
		expect(dialog.shown.map(({ defaultPath }) => defaultPath)).toEqual([
			join('/documents', 'a.csv'),
			join('/out', 'b.csv'),
		]);
	});

	it('never let a suggested name lead out of the folder', async () => {
		await shell.chooseExportTarget('../../etc/a.csv', 'csv');
		expect(dialog.shown[0]!.defaultPath).toBe(join('/documents', 'a.csv'));
	});
});

it('starts each kind of worker from its own file', () => {
	utilityProcess.forked.length = 0;
	shell.startAnalysisWorker();
	shell.startExportWorker();
	shell.startProbeWorker();
	expect(utilityProcess.forked.map(({ entry, options }) => [entry, options['serviceName']])).toEqual([
		['/app/worker.js', 'Sparsight analysis'],
		['/app/export-worker.js', 'Sparsight export'],
		['/app/probe-worker.js', 'Sparsight probe'],
	]);
});

describe('drops', () => {
	it('are known by their token alone', () => {
		shell.adoptDrop('drop-1', '/a.mp4');
		expect(shell.droppedPath('drop-1')).toBe('/a.mp4');
		expect(shell.droppedPath('drop-2')).toBeNull();
		expect(shell.droppedPath('/a.mp4')).toBeNull();
	});

	it('are forgotten, the oldest first, before they fill the memory', () => {
		for (let i = 0; i < 1000; i++) shell.adoptDrop(`drop-${i}`, `/${i}.mp4`);
		expect(shell.droppedPath('drop-0')).toBeNull();
		expect(shell.droppedPath('drop-999')).toBe('/999.mp4');
	});
});

it('shows a file where it lies', () => {
	shell.revealFile('/out/a.csv');
	expect(system.shown).toEqual(['/out/a.csv']);
});

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { errorToData } from '../domain/errors.ts';
import { inTemporaryFolder } from '../export/run.fixture.ts';
import { BrowserWindow, session, WebContents } from './electron.fixture.ts';
import { ReportPrinter } from './report-printer.ts';

vi.mock('electron', () => import('./electron.fixture.ts'));

beforeEach(() => {
	BrowserWindow.opened.length = 0;
	session.partitions.clear();
});

/** Prints one page; `during` looks at its window when that is about to print. */
async function printing(
	during: (window: BrowserWindow) => void | Promise<void> = () => undefined,
): Promise<{ error: unknown; pdf: string | null; window: BrowserWindow }> {
	return inTemporaryFolder(async (folder) => {
		const [page, pdf] = [join(folder, 'report.html'), join(folder, 'printed.pdf')];
		writeFileSync(page, '<title>people at the gate</title>');
		WebContents.onPrint = async () => {
			await during(BrowserWindow.opened[0]!);
			return Buffer.from('%PDF-');
		};
		const error = await new ReportPrinter().print(page, pdf).then(
			() => null,
			(failure: unknown) => failure,
		);
		const printed = existsSync(pdf) ? readFileSync(pdf, 'utf8') : null;
		return { error, pdf: printed, window: BrowserWindow.opened[0]! };
	});
}

describe('a report', () => {
	it('is printed on A4 in a window that is never shown, and goes', async () => {
		const { error, pdf, window } = await printing();
		expect({ error, pdf }).toEqual({ error: null, pdf: '%PDF-' });
		expect(window.webContents.prints).toEqual([
			{ pageSize: 'A4', preferCSSPageSize: true, printBackground: true },
		]);
		expect([window.visible, window.closed]).toEqual([false, true]);
	});

	it.each([
		['sandbox', true],
		['contextIsolation', true],
		['webSecurity', true],
		['nodeIntegration', false],
		['nodeIntegrationInWorker', false],
		['nodeIntegrationInSubFrames', false],
		['allowRunningInsecureContent', false],
		['webviewTag', false],
		['navigateOnDragDrop', false],
		['devTools', false],
		['preload', undefined],
	])('is in a window with %s %j', async (preference, value) => {
		const { window } = await printing();
		expect(window.options.webPreferences[preference]).toBe(value);
	});

	it('comes from memory, under an address that is there while it is printed', async () => {
		const answerOf = async (url: string) => {
			const answer = await session.partitions.get('report')!.schemes.get('app')!(new Request(url));
			return answer.status === 200 ? answer.text() : answer.status;
		};
		let seen: unknown[] = [];
		const { window } = await printing(async ({ loaded }) => {
			seen = [await answerOf(loaded), await answerOf('app://report/999'), await answerOf('app://sparsight/')];
		});
		expect(seen).toEqual(['<title>people at the gate</title>', 404, 404]);
		expect(await answerOf(window.loaded)).toBe(404);
	});

	it.each(['https://example.org/', 'http://127.0.0.1/', 'file:///etc/passwd', 'ws://localhost/'])(
		'reaches nothing at %s',
		async (url) => {
			await printing();
			const own = session.partitions.get('report')!;
			expect(own).not.toBe(session.defaultSession);
			const answers: unknown[] = [];
			own.beforeRequest!({ url }, (answer) => answers.push(answer));
			expect(answers).toEqual([{ cancel: true }]);
			expect(own.permissionCheck!()).toBe(false);
		},
	);

	it('that cannot be printed says why, and leaves no window', async () => {
		const { error, pdf, window } = await printing(() => Promise.reject(new Error('Printing failed')));
		expect(error).toMatchObject({
			code: 'print-failed',
			message: expect.stringContaining('Printing failed'),
		});
		expect([pdf, window.closed]).toEqual([null, true]);
	});

	it('that cannot be written is told of as such', async () => {
		const error = await inTemporaryFolder((folder) => {
			const page = join(folder, 'report.html');
			writeFileSync(page, '');
			WebContents.onPrint = () => Promise.resolve(Buffer.from('%PDF-'));
			return new ReportPrinter().print(page, join(folder, 'gone', 'report.pdf')).catch(errorToData);
		});
		expect(error).toMatchObject({ code: 'file-not-found', message: expect.stringContaining('report.pdf') });
	});

	it('whose process ends fails at once', async () => {
		const { error } = await printing(({ webContents }) => {
			webContents.emit('render-process-gone');
			return new Promise(() => undefined);
		});
		expect(error).toMatchObject({ code: 'print-failed' });
	});
});

import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { reportPdf } from '../report-pdf.ts';
import { inTemporaryFolder, storeSampleRun } from '../run.fixture.ts';
import { findBrowser } from './print-page.ts';

afterEach(() => vi.unstubAllEnvs());

const browser = await findBrowser();
if (browser === null) process.stderr.write('The report is not printed here: there is no Chromium.\n');

/** Prints a report into a folder and returns what happened, and what lies there then. */
async function printed(): Promise<{ error: unknown; files: string[]; begins: string }> {
	return inTemporaryFolder(async (folder) => {
		const run = await storeSampleRun(join(folder, 'run'));
		const request = {
			runs: [run],
			labels: ['run'],
			out: join(folder, 'report.pdf'),
			range: null,
			settings: { pictures: false },
		};
		const error = await reportPdf.write(request).then(
			() => null,
			(failure: unknown) => failure,
		);
		const files = (await readdir(folder)).filter((name) => name !== 'run');
		const begins = error ? '' : (await readFile(request.out)).subarray(0, 5).toString();
		return { error, files, begins };
	});
}

describe('report-pdf', () => {
	it.skipIf(browser === null)('is a PDF and leaves nothing beside it', async () => {
		expect(await printed()).toEqual({ error: null, files: ['report.pdf'], begins: '%PDF-' });
	});

	it('says what is missing where there is no browser, and keeps the page', async () => {
		for (const name of ['SPARSIGHT_CHROMIUM', 'CHROME_PATH', 'PATH']) vi.stubEnv(name, '');
		const { error, files } = await printed();
		expect(error).toMatchObject({
			code: 'print-failed',
			message: expect.stringMatching(/there is none; the page is .*report\.html\.$/),
		});
		expect(files).toEqual(['report.html']);
	});

	it('refuses a named browser that is none', async () => {
		vi.stubEnv('SPARSIGHT_CHROMIUM', '/no/such/browser');
		expect((await printed()).error).toMatchObject({
			message: 'SPARSIGHT_CHROMIUM names /no/such/browser, which cannot be started.',
		});
	});

	it.skipIf(process.platform === 'win32')('tells what a browser that prints nothing said', async () => {
		await inTemporaryFolder(async (folder) => {
			const broken = join(folder, 'broken');
			await writeFile(broken, '#!/bin/sh\necho "no display" >&2\nexit 7\n');
			await chmod(broken, 0o755);
			vi.stubEnv('SPARSIGHT_CHROMIUM', broken);
			const { error, files } = await printed();
			expect(error).toMatchObject({ message: expect.stringContaining('exit code 7: no display') });
			expect(files).toEqual([]);
		});
	});

	it.skipIf(process.platform === 'win32').each([
		['and says nothing', 'true', 'print-failed'],
		['and says why', 'echo "Failed to write file x: No space left on device (28)" >&2', 'disk-full'],
	])(
		'takes no half of a report for a whole, of a browser that a full disk stopped %s',
		async (_, says, code) => {
			await inTemporaryFolder(async (folder) => {
				const browser = join(folder, 'browser');
				const half =
					'for word; do case $word in --print-to-pdf=*) echo "%PDF-1.4" > "${word#*=}";; esac; done';
				await writeFile(browser, `#!/bin/sh\n${half}\n${says}\n`);
				await chmod(browser, 0o755);
				vi.stubEnv('SPARSIGHT_CHROMIUM', browser);
				const { error, files } = await printed();
				expect(error).toMatchObject({ code, message: expect.stringMatching(/^[^\n]+\.$/) });
				expect(files).toEqual([]);
			});
		},
	);
});

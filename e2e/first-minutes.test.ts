import { afterAll, beforeAll, expect, it } from 'vitest';
import { ffprobe } from './frames.ts';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import {
	goToFrame,
	makeLongClip,
	newestRun,
	opened,
	openSample,
	readCounts,
	runFolders,
	storedCounts,
	untilComplete,
} from './person.ts';

const FRAMES = 20;
const LAST = 9;

// The section "The first five minutes" of the README, step by step and without a terminal.
onEveryHost('a newcomer’s first minutes', (host) => {
	let app: Launched;
	beforeAll(async () => {
		app = await launchApp({ host });
		makeLongClip(app, 'mine.mp4', FRAMES);
	});
	afterAll(() => app?.close());

	const button = (name: string | RegExp) => app.page.getByRole('button', { name });

	it('1 the sample opens with one press, and is analysed with what is set', async () => {
		await openSample(app.page);
		await goToFrame(app.page, LAST);
		await app.page.keyboard.press('o');
		await button(/^Analyse/).click();
		await untilComplete(app.page);
		expect((await readCounts(app.page)).get('person')).toBeGreaterThan(0);
	});

	it('2 a video of one’s own is opened and analysed in the same way', async () => {
		await app.openVideo('mine.mp4');
		await opened(app.page);
		await app.page.getByText('Not analysed yet').first().waitFor();
		await button(/^Analyse/).click();
		await untilComplete(app.page);
		expect(runFolders(app)).toHaveLength(2);
	});

	it('3 the result says what is seen, and how much of the work that took', async () => {
		const run = await newestRun(app);
		expect(run.status.framesStored).toBe(FRAMES);
		await goToFrame(app.page, LAST);
		await expect.poll(() => readCounts(app.page)).toEqual(storedCounts(run, LAST));
		expect(await app.page.getByRole('tabpanel', { name: 'Measurements' }).innerText()).toContain('Tokens');
	});

	it('4 an annotated clip of it is exported', async () => {
		await app.page.keyboard.press('Control+e');
		const dialog = app.page.getByRole('dialog', { name: 'Export' });
		const path = await app.saved(() => dialog.getByRole('button', { name: 'Export', exact: true }).click());
		expect(ffprobe(path)).toMatchObject({ codec: 'h264', frames: FRAMES });
	});
});

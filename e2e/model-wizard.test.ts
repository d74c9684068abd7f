import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SIGNATURES, tinyOnnx } from '../main/families/onnx/tiny-onnx.fixture.ts';
import type { Page } from 'playwright-core';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { chooseListed } from './open-dialog.ts';
import { analyse, openSample, untilComplete } from './person.ts';

// Offsets of YOLOX that, read as pixels, are boxes of no size in the corner: nothing in the file tells which they are.
const AMBIGUOUS = [{ ...SIGNATURES.yolox[0], numbers: [8, 8, 0.4, 0.4, 1, 0.9] }];

onEveryHost('an ONNX file that can be read in several ways', (host) => {
	let app: Launched;
	beforeAll(async () => {
		app = await launchApp({ host });
		writeFileSync(join(app.videos, 'tiny.onnx'), tinyOnnx({ outputs: AMBIGUOUS }));
		writeFileSync(join(app.videos, 'likely.onnx'), tinyOnnx({ outputs: SIGNATURES.yoloRaw }));
		await openSample(app.page);
	});
	afterAll(() => app?.close());

	const models = () => app.page.getByRole('dialog', { name: 'Models' });
	const wizard = () => app.page.getByRole('dialog', { name: 'How is tiny to be read?' });

	async function choose(name: string): Promise<void> {
		await app.page.keyboard.press('Shift+M');
		if (host !== 'web') await app.answerDialogs(join(app.videos, name));
		await models().getByRole('button', { name: 'Add a model …' }).click();
		if (host === 'web') await chooseListed(app.page, name);
	}

	async function add(): Promise<void> {
		await choose('tiny.onnx');
		await wizard().getByRole('radio').first().waitFor({ timeout: 60_000 });
	}

	it('is shown through two readings, the better one chosen, and leaves nothing when cancelled', async () => {
		await add();
		expect(await wizard().getByRole('radio').count()).toBe(2);
		await wizard().getByRole('radio', { name: '1. YOLOX', exact: true, checked: true }).waitFor();
		await wizard().getByRole('img', { name: '1. YOLOX: 1 found: 1 person' }).waitFor();
		await wizard().getByText('Many boxes have no size or lie outside the picture.').waitFor();
		await wizard().getByRole('button', { name: 'Cancel' }).click();
		await models().waitFor();
		await models().getByRole('button', { name: /^tiny/ }).waitFor({ state: 'detached' });
		expect(readdirSync(join(app.home, 'models'))).toEqual([]);
		expect(existsSync(join(app.home, 'cards'))).toBe(false);
		await app.page.keyboard.press('Escape');
	});

	it('is looked at anew when a field changes, and says what is wrong with one', async () => {
		await add();
		await wizard().getByText('Change the card of “YOLOX”').click();
		const least = wizard().getByRole('spinbutton', { name: 'Least score' });
		await least.fill('0.95');
		await least.press('Tab');
		await wizard().getByRole('img', { name: '1. YOLOX: Nothing found.' }).waitFor({ timeout: 60_000 });
		await wizard().getByRole('textbox', { name: 'One name a line, YAML or JSON' }).fill('a\nb');
		await wizard().getByRole('button', { name: 'Use these names' }).click();
		await wizard()
			.getByRole('alert')
			.getByText('The list names 2 classes, and the output scores 80.')
			.waitFor({ state: 'attached', timeout: 60_000 });
		await wizard().getByRole('button', { name: 'Take the changes back' }).click();
		await wizard().getByRole('img', { name: '1. YOLOX: 1 found: 1 person' }).waitFor({ timeout: 60_000 });
	});

	it('is in the list once its card is stored, and runs', async () => {
		await wizard().getByRole('button', { name: 'Store the card' }).click();
		await models().getByText('YOLOX is read by its card from now on.').waitFor();
		await app.page.keyboard.press('Escape');
		const model = app.page.getByRole('combobox', { name: 'Model', exact: true });
		await model.selectOption({ label: 'YOLOX' });
		await analyse(app.page, 'Dense');
		await untilComplete(app.page);
	});

	it('opens at once where a frame confirms what is only likely, and says so', async () => {
		await choose('likely.onnx');
		const confirmed = /was added, read in the likely way\. A frame confirms it: 1 found: 1 person/;
		await models().getByText(confirmed).waitFor({ timeout: 60_000 });
		expect(await wizard().count()).toBe(0);
		await app.page.keyboard.press('Escape');
	});

	it('may be dropped onto the window, where the system tells the path of what is dropped', async () => {
		await dropFile(app.page, join(app.videos, 'tiny.onnx'));
		if (host === 'web') {
			await models().getByText('A browser does not reveal where “tiny.onnx” lies').waitFor();
		} else {
			await wizard().getByRole('radio').first().waitFor({ timeout: 60_000 });
			await wizard().getByRole('button', { name: 'Cancel' }).click();
		}
		await app.page.keyboard.press('Escape');
	});
});

/** As a person does it with the mouse: the browser itself is told of the drag. */
async function dropFile(page: Page, path: string): Promise<void> {
	const session = await page.context().newCDPSession(page);
	const data = { items: [], files: [path], dragOperationsMask: 1 };
	for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
		await session.send('Input.dispatchDragEvent', { type, x: 600, y: 300, data });
	}
	await session.detach();
}

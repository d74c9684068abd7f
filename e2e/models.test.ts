import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { serveFiles } from '../main/models/file-server.fixture.ts';
import { safetensorsOfCase } from '../main/weights/parity-case.fixture.ts';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { chooseListed } from './open-dialog.ts';

// A small RetinaNet under the name of a large one: the catalogue states no hash of it.
const ID = 'retinanet-shvit-s4';
const NAME = 'RetinaNet over SHViT-S4';

onEveryHost('the models', (host) => {
	let app: Launched;
	let server: Awaited<ReturnType<typeof serveFiles>>;
	let weights: Buffer;
	beforeAll(async () => {
		weights = await safetensorsOfCase('shvit/retinanet');
		server = await serveFiles(new Map([[`${ID}/${ID}.pth`, weights]]), { stallsAfter: 100_000 });
		vi.stubEnv('SPARSIGHT_MIRROR', server.address);
		app = await launchApp({ host });
	});
	afterAll(async () => {
		vi.unstubAllEnvs();
		await app?.close();
		await server?.close();
	});

	const dialog = () => app.page.getByRole('dialog', { name: 'Models' });
	const button = (name: string | RegExp) => dialog().getByRole('button', { name, exact: true });
	const entry = (name: string) => dialog().getByRole('navigation').getByRole('button', { name });

	it('are listed by key, with the card of the one that comes along', async () => {
		await app.page.keyboard.press('Shift+M');
		await entry('Lookout MIT').waitFor();
		const card = dialog().getByRole('region', { name: 'Lookout' });
		await card.getByText(/^20: person, bicycle/).waitFor();
		await card.getByText(/GMAC per frame of 768 × 576, dense/).waitFor();
	});

	it('are got after the licence is accepted, with progress, cancelled and gone on with', async () => {
		await entry(NAME).click();
		await button('Get …').click();
		await dialog().getByText(`Get ${NAME} under this licence? MIT.`).waitFor();
		expect(server.asked).toEqual([]);
		await button('Accept the licence and get it').click();
		await dialog()
			.getByRole('progressbar', { name: `Download of ${NAME}` })
			.waitFor();
		await dialog()
			.getByText(/^0\.1 of \d+\.\d MB/)
			.waitFor();
		await button('Cancel').click();
		await dialog().getByText('The download was cancelled.').waitFor();
		delete server.behaviour.stallsAfter;
		await button('Go on with the download …').click();
		await button('Accept the licence and get it').click();
		await dialog().getByText(`${NAME} is installed.`).waitFor();
		expect(server.asked.at(-1)?.range).toBe('bytes=100000-');
	});

	it('tell why they cannot be run in other modes, are verified and measured here', async () => {
		await dialog().getByText('Why not the others').waitFor();
		await button('Verify').click();
		await dialog().getByText('Every file is as it was published or recorded.').waitFor();
		await button('Measure Dense').click();
		await dialog()
			.getByText(/ ms per frame · 768 × 576 · /)
			.waitFor({ timeout: 60_000 });
	});

	it('can be chosen for a run from then on, until they are removed', async () => {
		await app.page.keyboard.press('Escape');
		await app.page.getByRole('button', { name: 'Open the sample' }).click();
		const model = app.page.getByRole('combobox', { name: 'Model', exact: true });
		await model.getByRole('option', { name: NAME }).waitFor({ state: 'attached' });
		await app.page.keyboard.press('Shift+M');
		await entry(NAME).click();
		await button('Remove').click();
		await dialog().getByText(`Remove ${NAME} from this machine?`).waitFor();
		await button('Remove').click();
		await button('Get …').waitFor();
		await app.page.keyboard.press('Escape');
		await model.getByRole('option', { name: NAME }).waitFor({ state: 'detached' });
	});

	it('are added from the person’s own files', async () => {
		writeFileSync(join(app.videos, 'mine.safetensors'), weights);
		await app.page.keyboard.press('Shift+M');
		if (host === 'web') {
			await button('Add a model …').click();
			await chooseListed(app.page, 'mine.safetensors');
		} else {
			await app.answerDialogs(join(app.videos, 'mine.safetensors'));
			await button('Add a model …').click();
		}
		await dialog()
			.getByText(/ was added\.$/)
			.waitFor();
	});
});

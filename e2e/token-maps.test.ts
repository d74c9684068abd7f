import { afterAll, beforeAll, expect, it } from 'vitest';
import { heatPaint, mapLevels } from '../main/domain/overlay-geometry.ts';
import type { TokenMapKind } from '../main/domain/tokens.ts';
import type { StoredRun } from '../main/results/stored-run.ts';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { analyse, goToFrame, newestRun, openSample, untilComplete } from './person.ts';
import { overlayColours, tokenCentres, type Centre } from './token-cells.ts';

const FROM = 40;
const TO = 49;
const TRANSPARENT = [0, 0, 0, 0];

type Journey = { mode: string; choice: string; kind: TokenMapKind; legend: string };
const JOURNEYS: Journey[] = [
	{
		mode: 'Clustered attention',
		choice: 'clusters',
		kind: 'clusters',
		legend: 'clusters, neighbours in different colours',
	},
	{ mode: 'Eventful', choice: 'updates', kind: 'blocks', legend: 'updated in so many of the gates' },
];

for (const { mode, choice, kind, legend } of JOURNEYS) {
	onEveryHost(`the map "${choice}" of mode ${mode}`, (host) => {
		let app: Launched;
		let run: StoredRun;
		beforeAll(async () => {
			app = await launchApp({ host });
			const { page } = app;
			await openSample(page);
			await goToFrame(page, FROM);
			await page.keyboard.press('i');
			await goToFrame(page, TO);
			await page.keyboard.press('o');
			await analyse(page, mode);
			await untilComplete(page);
			run = await newestRun(app);
			await page.getByRole('checkbox', { name: 'Boxes' }).uncheck();
			await page.getByRole('slider', { name: 'Opacity of the token map' }).fill('1');
		});
		afterAll(() => app?.close());

		it('is a choice, and says what it shows', async () => {
			expect([...run.frames.frameIndex]).toEqual(Array.from({ length: TO - FROM + 1 }, (_, i) => FROM + i));
			expect(run.mapKinds()).toContain(kind);
			await app.page.getByRole('radio', { name: choice, exact: true }).check({ force: true });
			await app.page.getByText(legend).waitFor();
		});

		it.each([FROM + 1, FROM + 5, TO])('paints the stored map of frame %i', async (frame) => {
			await goToFrame(app.page, frame);
			const places = await tokenCentres(app.page, run);
			const expected = storedColours(frame, places);
			expect(new Set(expected.map(String)).size).toBeGreaterThan(2);
			await expect.poll(() => overlayColours(app.page, places)).toEqual(expected);
		});

		it('is not painted over a frame that was not analysed', async () => {
			await goToFrame(app.page, TO + 1);
			const places = await tokenCentres(app.page, run);
			await expect.poll(() => overlayColours(app.page, places)).toEqual(places.map(() => TRANSPARENT));
		});

		/** What the map of a frame says of each place, in colours. */
		function storedColours(frame: number, places: readonly Centre[]): number[][] {
			const map = run.maps(run.positionOfFrame(frame)).find((candidate) => candidate.kind === kind)!;
			const levels = mapLevels(map, run.header.grid);
			return places.map(({ token }) => {
				const level = levels[token]!;
				return level === 0 ? TRANSPARENT : [...heatPaint(kind)(level), 255];
			});
		}
	});
}

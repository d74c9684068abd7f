import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchApp, type Launched } from './launch.ts';
import { onEveryHost } from './on-hosts.ts';
import { analyse, makeLongClip, newestRun, opened, untilComplete, untilFramesDone } from './person.ts';

const FRAMES = 250;

onEveryHost('the analysis is killed', (host) => {
	let app: Launched;
	beforeAll(async () => {
		app = await launchApp({ host });
		makeLongClip(app, 'long.mp4', FRAMES);
		await app.openVideo('long.mp4');
		await opened(app.page);
		await analyse(app.page, 'Token cache');
		await untilFramesDone(app.page, 40);
	});
	afterAll(() => app?.close());

	it('the page says so, and what to do', async () => {
		const [worker, ...others] = await app.workers();
		expect(others).toEqual([]);
		process.kill(worker!, 'SIGKILL');
		const alert = app.page.getByRole('alert');
		await alert.filter({ hasText: 'The analysis process ended unexpectedly.' }).waitFor();
		expect(await alert.innerText()).toMatch(/resume/i);
		await expect.poll(() => app.workers()).toEqual([]);
	});

	it('nothing that it had started is left', async () => {
		await expect.poll(() => commandLines().filter((line) => line.includes('long.mp4'))).toEqual([]);
	});

	it('resumed, the run is as whole as any other', async () => {
		const cut = await newestRun(app);
		expect(cut.status.state).toBe('running');
		expect(cut.frameCount).toBeLessThan(FRAMES);
		await app.page.getByRole('alert').getByRole('button', { name: 'Resume' }).click();
		await untilComplete(app.page);
		const whole = await newestRun(app);
		expect(whole.folder).toBe(cut.folder);
		expect(whole.status.state).toBe('complete');
		expect([...whole.frames.frameIndex]).toEqual(Array.from({ length: FRAMES }, (_, i) => i));
		expect(await app.page.getByRole('alert').count()).toBe(0);
	});
});

function commandLines(): string[] {
	return execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' })
		.split('\n')
		.filter((line) => line.startsWith('ffmpeg') || line.includes('/ffmpeg ') || line.includes('/worker.js'));
}

import { afterEach, describe } from 'vitest';
import { keepScreens, whyNot, type HostKind } from './launch.ts';

const HOSTS: readonly HostKind[] = ['web', 'electron'];

/** Runs the same journey on every host that this machine has; prints why others are skipped. */
export function onEveryHost(journey: string, steps: (host: HostKind) => void): void {
	for (const host of HOSTS) {
		const reason = whyNot(host);
		if (reason === null) {
			describe(`${journey}, ${host}`, () => {
				steps(host);
				afterEach(async ({ task }) => {
					if (task.result?.state === 'fail') await keepScreens(`${journey} ${task.name}`);
				});
			});
			continue;
		}
		process.stderr.write(`Skipped: ${journey}, ${host}: ${reason}.\n`);
		describe.skip(`${journey}, ${host}: ${reason}`, () => steps(host));
	}
}

import { randomBytes } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserFacingError } from '../domain/errors.ts';
import { writingError } from './disk.ts';
import { listModels } from './catalog.ts';
import { Staging } from './staging.ts';

/**
 * Removes an installed model: at once for everybody who lists them, then from the disk; or what came of one whose download broke
 * off. Throws `model-not-found` for unknown ones, and `bad-argument` for those that come with Sparsight or lie in a folder of the
 * user's, or that are being got just now.
 */
export async function removeModel(id: string, modelsFolder: string): Promise<void> {
	const entries = await listModels(modelsFolder);
	const entry = entries.find((one) => one.id === id);
	if (!entry && (await Staging.isBegun(modelsFolder, id))) {
		const staging = await Staging.enter(modelsFolder, id);
		try {
			await staging.discard();
		} finally {
			await staging.leave();
		}
		return;
	}
	if (!entry) {
		const removable = entries.filter(({ source }) => source === 'installed').map((one) => one.id);
		throw new UserFacingError(
			'model-not-found',
			`The model must be one of ${removable.join(', ') || 'those that were installed, and none was'} (got "${id}").`,
		);
	}
	if (entry.source !== 'installed') {
		const why = entry.source === 'shipped' ? 'comes with Sparsight' : `lies in ${dirname(entry.path)}`;
		throw new UserFacingError('bad-argument', `The model ${id} ${why}: one that was installed was expected.`);
	}
	// A folder of that name, or a file that somebody put there.
	const place = entry.receipt ? join(modelsFolder, id) : entry.path;
	const hidden = join(modelsFolder, `.removed-${randomBytes(6).toString('hex')}`);
	await rename(place, hidden).catch((error: unknown) => {
		throw writingError(place, error);
	});
	await rm(hidden, { recursive: true, force: true });
}

import type { ModelDescription } from '../../preload/contract.ts';
import { UserFacingError } from '../domain/errors.ts';
import { listModels } from '../models/catalog.ts';

let described: Promise<ModelDescription[]> | null = null;

/** The models that open, as the page shows them; read once. Those that do not open are left out. */
export function describeModels(): Promise<ModelDescription[]> {
	described ??= readModels();
	return described;
}

async function readModels(): Promise<ModelDescription[]> {
	// Loads the runtime, which nothing else in this process needs: not before the page asks.
	const { openModel } = await import('../detector/index.ts');
	const models: ModelDescription[] = [];
	for (const { id, path } of await listModels()) {
		try {
			const { name, classes, modes, displayThreshold } = await openModel(path);
			models.push({ id, name, classes: [...classes], modes: [...modes], displayThreshold });
		} catch {
			// `sparsight doctor` tells why; a page has no use for a model that does not open.
		}
	}
	return models;
}

/** Folder of the model called `id`: the page names models by id, never by path. Throws `model-not-found`. */
export async function modelPath(id: string): Promise<string> {
	const entries = await listModels();
	const entry = entries.find((one) => one.id === id);
	if (entry) return entry.path;
	const known = entries.map((one) => one.id).join(', ') || 'none';
	throw new UserFacingError('model-not-found', `The model must be one of ${known} (got "${id}").`);
}

import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import type { Model } from '../detector/detector.ts';
import type { ModelFiles } from './family.ts';

type Stated = { name: string; classes: readonly string[]; nms: { score: number } };

/** What a model of a folder is known by: the folder's name, its weights, and what its model.json states. */
export function folderModel(files: ModelFiles, config: Stated): Omit<Model, 'modes' | 'open'> {
	const folder = dirname(files.configPath);
	return {
		id: basename(folder),
		name: config.name,
		path: folder,
		sha256: createHash('sha256').update(files.weightBytes).digest('hex'),
		classes: config.classes,
		displayThreshold: config.nms.score,
	};
}

import { DEFAULT_MAX_SIDE } from '../detector/max-side.ts';
import type { Size } from '../domain/video.ts';
import type { DataFolders } from '../process/data-folders.ts';

/** Operations of models are compared at this size of a video: that of the sample clip. */
export const CARD_VIDEO: Size = { width: 768, height: 576 };

/** What opening a model shows of it. */
export type ModelCard = {
	name: string;
	/** Id of its family. */
	family: string;
	classes: string[];
	modes: string[];
	/** By the id of each other mode, why it can't be run in it. */
	refusals: Record<string, string>;
	/** Of the file of weights. */
	sha256: string;
	/** What a person should know when it is opened. */
	remarks: string[];
	/** Multiply-adds of a frame that is computed whole, of a video of `CARD_VIDEO`. */
	denseMacs: number;
};

/**
 * Opens a model for what it says of itself. Loads the runtime. Throws what opening throws: `card-needed` where a person must say how
 * it is to be read.
 */
export async function readCard(
	path: string,
	folders: Pick<DataFolders, 'cache' | 'cards'>,
): Promise<ModelCard> {
	const { DEFAULT_SCORE_THRESHOLD, openModel } = await import('../families/index.ts');
	const model = await openModel(path, folders.cache, folders.cards);
	const { name, family, classes, modes, refusals, sha256, remarks = [] } = model;
	const denseMacs = model.denseMacs({
		displaySize: CARD_VIDEO,
		maxSide: DEFAULT_MAX_SIDE,
		scoreThreshold: DEFAULT_SCORE_THRESHOLD,
	});
	return {
		name,
		family,
		classes: [...classes],
		modes: [...modes],
		refusals: { ...refusals },
		sha256,
		remarks: [...remarks],
		denseMacs,
	};
}

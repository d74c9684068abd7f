import { checkClusteredAttention, checkClustering } from './enact-clustering.ts';
import { checkDetr } from './enact-detr.ts';
import type { ParitySystem } from './index.ts';

/** Cases of ENACT: the clustering alone, its attention alone, whole models of its three hosts. */
export const enact: ParitySystem = (given) => {
	const config = given.description['config'] as Record<string, unknown>;
	if ('cases' in config) return checkClustering(given);
	return 'inputs' in config ? checkDetr(given) : checkClusteredAttention(given);
};

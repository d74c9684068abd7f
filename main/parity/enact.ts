import { checkClusteredAttention, checkClustering } from './enact-clustering.ts';
import { checkDetr } from './enact-detr.ts';
import { compareDetrManifest, type DetrManifest } from './enact-manifest.ts';
import { Findings } from './findings.ts';
import type { ParitySystem } from './parity-system.ts';

/** Cases of ENACT: the clustering alone, its attention alone, whole models of its three hosts, lists of tensors. */
export const enact: ParitySystem = async (given) => {
	const manifests = given.description['manifests'] as DetrManifest[] | undefined;
	if (manifests) {
		const findings = new Findings(given);
		for (const manifest of manifests) compareDetrManifest(findings, manifest);
		return findings.finish();
	}
	const config = given.description['config'] as Record<string, unknown>;
	if ('cases' in config) return checkClustering(given);
	return 'inputs' in config ? checkDetr(given) : checkClusteredAttention(given);
};

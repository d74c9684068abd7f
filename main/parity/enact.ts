import { z } from 'zod';
import { checkClusteredAttention, checkClustering } from './enact-clustering.ts';
import { checkDetr } from './enact-detr.ts';
import { compareDetrManifest, detrManifestSchema } from './enact-manifest.ts';
import { Findings } from './findings.ts';
import { manifestsOf } from './manifest.ts';
import { casePart } from './parity-case.ts';
import type { ParitySystem } from './parity-system.ts';

/** Cases of ENACT: the clustering alone, its attention alone, whole models of its three hosts, lists of tensors. */
export const enact: ParitySystem = async (given) => {
	if ('manifests' in given.description) {
		const findings = new Findings(given);
		for (const manifest of manifestsOf(given, detrManifestSchema)) compareDetrManifest(findings, manifest);
		return findings.finish();
	}
	const config = casePart(given, 'config', z.looseObject({}));
	if ('cases' in config) return checkClustering(given);
	return 'inputs' in config ? checkDetr(given) : checkClusteredAttention(given);
};

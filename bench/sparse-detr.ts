import { join } from 'node:path';
import { sparseDetrFamily } from '../main/families/sparse-detr/index.ts';
import { benchLanes, type LaneOptions, type LaneRow } from './lanes.ts';

/** Sparse DETR with ResNet-50 at several keep ratios, against the one that keeps everything. */
export function benchSparseDetr(manifestFolder: string, options: LaneOptions): Promise<LaneRow[]> {
	const model = {
		family: sparseDetrFamily,
		manifestPath: join(manifestFolder, 'r50_sparse_detr_rho.json'),
	};
	const lanes = [1, 0.3, 0.1].map((keep) => ({
		...model,
		label: `keep ${keep}`,
		mode: 'sparse',
		settings: { keep },
	}));
	return benchLanes([...lanes, { ...model, label: 'dense', mode: 'dense', settings: {} }], options);
}

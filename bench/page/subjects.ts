import { windowedHost } from '../../main/families/lw-detr/host.ts';
import { yolosPlan } from '../../main/families/yolos/plan.ts';
import type { Host } from '../../main/reduction/host.ts';
import { drawnWeights, TRANSFORMERS, transformerAlone, YOLOS_SMALL } from '../transformers.ts';
import { WINDOWED_DETECTORS } from '../windowed-detectors.ts';

/** A network of random weights at its published size. */
export type Subject = { title: string; host(): Host };

const GRID = { rows: 30, cols: 40 };

/** Nothing but blocks of a plain transformer. */
const PLAIN: Subject = {
	title: 'plain transformer, width 384, depth 12, 1,200 tokens',
	host: () =>
		transformerAlone(
			yolosPlan({ ...YOLOS_SMALL, tableSize: GRID, midPositions: false, detectionTokens: 1 }, GRID, 2),
		),
};

export const SUBJECTS: readonly Subject[] = [
	PLAIN,
	...TRANSFORMERS.map(({ title, plan }) => ({ title: short(title), host: () => transformerAlone(plan) })),
	...WINDOWED_DETECTORS.map(({ title, side, detector }) => {
		const size = { width: side, height: side };
		const sizes = { inputSize: size, contentSize: size };
		return {
			title: short(title),
			host: () => windowedHost({ detector, lookup: drawnWeights() }, sizes),
		};
	}),
];

function short(title: string): string {
	return title.replace(/ \(.*$/, '');
}

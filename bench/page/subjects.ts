import { windowedHost } from '../../main/families/lw-detr/host.ts';
import { yolosPlan } from '../../main/families/yolos/plan.ts';
import type { Host } from '../../main/reduction/host.ts';
import { drawnWeights, TRANSFORMERS, transformerAlone, YOLOS_SMALL } from '../transformers.ts';
import { WINDOWED_DETECTORS } from '../windowed-detectors.ts';

/** A network of random weights at its published size. */
export type Subject = {
	title: string;
	/** Whether nothing stands behind the transformer, so that a frame is one run of one graph. */
	isAlone: boolean;
	host(): Host;
};

const GRID = { rows: 30, cols: 40 };

/** Nothing but blocks of a plain transformer. */
const PLAIN: Subject = {
	title: 'plain transformer, width 384, depth 12, 1,200 tokens',
	isAlone: true,
	host: () =>
		transformerAlone(
			yolosPlan({ ...YOLOS_SMALL, tableSize: GRID, midPositions: false, detectionTokens: 1 }, GRID, 2),
		),
};

export const SUBJECTS: readonly Subject[] = [
	PLAIN,
	...TRANSFORMERS.map(({ title, plan }) => ({
		title: short(title),
		isAlone: true,
		host: () => transformerAlone(plan),
	})),
	...WINDOWED_DETECTORS.map(({ title, side, detector }) => {
		const size = { width: side, height: side };
		const sizes = { inputSize: size, contentSize: size };
		return {
			title: short(title),
			isAlone: false,
			host: () => windowedHost({ detector, lookup: drawnWeights() }, sizes),
		};
	}),
];

function short(title: string): string {
	return title.replace(/ \(.*$/, '');
}

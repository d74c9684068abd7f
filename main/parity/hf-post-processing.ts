import { type QueryRanking, rankQueries } from '../boxes/ranked-queries.ts';
import type { Findings } from './findings.ts';
import type { HfCase } from './hf-case.ts';
import { caseTensor } from './parity-case.ts';

/** Scores that cases state are above this one. */
const THRESHOLD = 0.05;

/** Compares what a processor makes of the case's own logits and boxes, for pictures of their first sizes. */
export function comparePostProcessing(
	findings: Findings,
	given: HfCase,
	batch: HfCase['batches'][number],
	ranking: QueryRanking,
): void {
	const [logits, boxes] = ['logits', 'pred_boxes'].map(
		(name) => caseTensor(given, `${batch.name}.${name}`).data,
	);
	const part = (all: Float32Array, n: number) =>
		all.subarray((n * all.length) / batch.sizes.length, ((n + 1) * all.length) / batch.sizes.length);
	batch.sizes.forEach((size, n) => {
		const answers = { logits: part(logits!, n), boxes: part(boxes!, n) };
		const { scores, labels, boxesXyxy } = rankQueries(answers, size, ranking);
		const kept = Array.from(scores.keys()).filter((i) => scores[i]! > Math.fround(THRESHOLD));
		const name = `${batch.name}.post.${n}.`;
		findings.close(
			`${name}scores`,
			kept.map((i) => scores[i]!),
		);
		findings.equal(
			`${name}labels`,
			kept.map((i) => labels[i]!),
		);
		findings.close(
			`${name}boxes`,
			kept.flatMap((i) => [...boxesXyxy.subarray(4 * i, 4 * i + 4)]),
		);
	});
}

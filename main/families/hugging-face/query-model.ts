import {
	type QueryAnswers,
	type QueryRanking,
	rankedDetections,
	rankQueries,
} from '../../boxes/ranked-queries.ts';
import type { ModelFacts } from '../../detector/detector.ts';
import { modelOf } from '../../detector/model.ts';
import type { Letterbox } from '../../domain/frame.ts';
import type { Size } from '../../domain/video.ts';
import type { Host } from '../../reduction/host.ts';
import type { LabelNames } from '../coco-names.ts';
import type { OpenedModel } from '../family.ts';
import { letterboxFor, normalisationOf, type Processor } from './processor.ts';

/** A network of queries, at any size that its pictures can have. */
type QueryNetwork = {
	labels: LabelNames;
	ranking: QueryRanking;
	/** The sides of its pictures are multiples of it; 1 where any size will do. */
	multiple: number;
	/** Pixels between the cells that frames are padded to. */
	stride: number;
	/** `seen`: the part of a letterbox that the network sees, the processor's own padding included. */
	hostAt(letterbox: Letterbox, seen: Size): Host<QueryAnswers>;
};

/** A model whose pictures and answers are treated as its processor does it. */
export function queryModel(facts: ModelFacts, processor: Processor, network: QueryNetwork): OpenedModel {
	const { labels, ranking, multiple, stride, hostAt } = network;
	return modelOf(facts, ({ displaySize, maxSide, scoreThreshold }) => {
		const { inputSize: seen, ...content } = letterboxFor(processor, displaySize, maxSide, multiple);
		const padded = (side: number) => Math.ceil(side / stride) * stride;
		const letterbox = {
			...content,
			inputSize: { width: padded(seen.width), height: padded(seen.height) },
		};
		return {
			host: hostAt(letterbox, seen),
			letterbox,
			normalisation: normalisationOf(processor),
			interpret(answers: QueryAnswers) {
				const ranked = rankQueries(answers, displaySize, ranking);
				return rankedDetections(ranked, labels.indexByLabel, displaySize, scoreThreshold);
			},
		};
	});
}

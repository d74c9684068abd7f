import { join } from 'node:path';
import { assert } from '../../domain/errors.ts';
import type { Weights } from '../../weights/safetensors.ts';
import type { ModelSource } from '../source.ts';
import { type Processor, type ProcessorKind, readProcessor } from './processor.ts';

/** What a network is made of in a Hugging Face folder; places are for sentences. */
export type HuggingFaceFiles = {
	/** config.json. */
	config: { json: unknown; place: string };
	/** model.safetensors. */
	weights: { tensors: Weights; place: string };
};

/** The files of a folder that a config.json describes. */
export async function huggingFaceFiles(source: ModelSource): Promise<HuggingFaceFiles> {
	const { config, weightsPath } = source;
	assert(config, `${source.path} is a folder with a configuration`);
	return { config, weights: { tensors: await source.weights(), place: weightsPath } };
}

const PROCESSOR_FILE = 'preprocessor_config.json';

/**
 * How pictures are prepared, as the folder's preprocessor_config.json has it; without one, as is usual for the kind. Throws
 * `model-unreadable`.
 */
export async function processorOf(source: ModelSource, kind: ProcessorKind): Promise<Processor> {
	const json = (await source.json(PROCESSOR_FILE)) ?? {};
	return readProcessor(json, join(source.path, PROCESSOR_FILE), kind);
}

import type { Weights } from '../../weights/safetensors.ts';

/** What a model is made of in a Hugging Face folder; places are for sentences. */
export type HuggingFaceFiles = {
	/** config.json. */
	config: { json: unknown; place: string };
	/** model.safetensors. */
	weights: { tensors: Weights; place: string };
};

import type { Model, ModelFacts } from '../detector/detector.ts';
import { sameLeastScore, type LeastScores } from '../domain/least-scores.ts';
import type { Weights } from '../weights/safetensors.ts';
import type { Offer } from '../reduction/host.ts';
import type { ModelSource } from './source.ts';

/** A model as its family opens it: the registry says which family that was. */
export type OpenedModel = Omit<Model, 'family'>;

/** A kind of network that Sparsight builds. One folder each, one registry line. */
export type ModelFamily = {
	id: string;
	title: string;
	/** What its models offer to modes beside running whole; `ranked` and `clustered` where a model was trained for it. */
	offers: readonly Exclude<Offer, 'whole'>[];
	/** The `format` of a model.json, where the family has folders of Sparsight's own. */
	format?: string;
	/** Every `model_type` of a config.json that it reads. */
	modelTypes?: readonly string[];
	/** Whether tensors are named as in the files that its authors published, where such a file is enough. */
	recognizes?(weights: Weights): boolean;
	/** Whether it opens files that hold a whole network, whatever that is; one family does. */
	readsGraphs?: true;
	/**
	 * Throws `model-unreadable` for what its configuration can't be, and `tensor-mismatch`, naming the first few tensors that
	 * are missing, superfluous or misshapen.
	 */
	open(source: ModelSource): Promise<OpenedModel>;
};

/** Whether a source is of a family: by what its configuration states, and by its tensors where it has none. */
export async function matches(family: ModelFamily, source: ModelSource): Promise<boolean> {
	const { config } = source;
	if (source.isGraph) return family.readsGraphs ?? false;
	if (!config) return family.recognizes?.(await source.weights()) ?? false;
	const of = stated(config.json, config.name === 'model.json' ? 'format' : 'model_type');
	if (of === undefined) return false;
	if (config.name === 'model.json') return family.format === of;
	return family.modelTypes?.includes(of) ?? false;
}

/** A field of a JSON object that is a string; undefined where it has none. */
export function stated(json: unknown, field: string): string | undefined {
	if (typeof json !== 'object' || json === null || !(field in json)) return undefined;
	const value: unknown = json[field as keyof typeof json];
	return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * What a model is known by: its place, its weights, and what its configuration says. `displayThreshold` is one score for
 * all classes, or one for each.
 */
export async function factsOf(
	source: ModelSource,
	stated: Pick<ModelFacts, 'name' | 'classes'> & { displayThreshold: number | LeastScores },
): Promise<ModelFacts> {
	const { name, classes, displayThreshold } = stated;
	const sha256 = await source.sha256();
	const displayThresholds =
		typeof displayThreshold === 'number'
			? sameLeastScore(classes.length, displayThreshold)
			: displayThreshold;
	return { id: source.id, path: source.path, sha256, name, classes, displayThresholds };
}

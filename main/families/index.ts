import { UserFacingError } from '../domain/errors.ts';
import type { Model } from '../detector/detector.ts';
import { detrFamily } from './detr/index.ts';
import { matches, type ModelFamily, stated } from './family.ts';
import { lookoutFamily } from './lookout/index.ts';
import { lookoutShFamily } from './lookout-sh/index.ts';
import { lwDetrFamily } from './lw-detr/index.ts';
import { rfDetrFamily } from './rf-detr/index.ts';
import { shvitFamily } from './shvit/index.ts';
import { onnxFamily } from './onnx/index.ts';
import { ModelSource } from './source.ts';
import { sparseDetrFamily } from './sparse-detr/index.ts';
import { vitDet } from './vitdet/index.ts';
import { FileHashes } from '../weights/file-hashes.ts';
import { yolosFamily } from './yolos/index.ts';

/** Detections below this score are not stored unless asked otherwise: low, so that precision curves have a tail. */
export const DEFAULT_SCORE_THRESHOLD = 0.05;

/** All families. One line per family. */
export const MODEL_FAMILIES: readonly ModelFamily[] = [
	lookoutFamily,
	lookoutShFamily,
	vitDet,
	lwDetrFamily,
	rfDetrFamily,
	yolosFamily,
	detrFamily,
	sparseDetrFamily,
	shvitFamily,
	onnxFamily,
];

/** Tensors that a sentence names of a file that no family knows. */
const NAMED_TENSORS = 4;

/**
 * Opens the model at a path: a folder with its configuration and model.safetensors, one of these files, a published
 * file of weights, or an ONNX file. Its hash is remembered in `cacheFolder`; cards of ONNX files are looked for beside them and in
 * `cardsFolder`. Throws `model-not-found`, `model-unreadable` or `tensor-mismatch`.
 */
export async function openModel(
	path: string,
	cacheFolder: string | null = null,
	cardsFolder: string | null = null,
): Promise<Model> {
	return openSource(await ModelSource.at(path, new FileHashes(cacheFolder), cardsFolder), MODEL_FAMILIES);
}

/** Opens a model as the one of these families that it is of. */
export async function openSource(source: ModelSource, families: readonly ModelFamily[]): Promise<Model> {
	const matching: ModelFamily[] = [];
	for (const family of families) if (await matches(family, source)) matching.push(family);
	const [family, other] = matching;
	if (!family) throw await unknownModel(source, families);
	if (other) {
		throw new UserFacingError(
			'model-unreadable',
			`${source.path} could be a ${family.title} or a ${other.title}: it has the marks of both.`,
		);
	}
	return { ...(await family.open(source)), family: family.id };
}

async function unknownModel(source: ModelSource, families: readonly ModelFamily[]): Promise<UserFacingError> {
	const { config } = source;
	if (config) {
		const own = config.name === 'model.json';
		const field = own ? 'format' : 'model_type';
		const known = families.flatMap(({ format, modelTypes }) => (own ? (format ?? []) : (modelTypes ?? [])));
		const got = stated(config.json, field);
		return new UserFacingError(
			'model-unreadable',
			got === undefined
				? `${config.place} has no "${field}".`
				: `${config.place}: ${field} must be one of ${known.join(', ')} (got ${got}).`,
		);
	}
	const names = [...(await source.weights()).keys()].slice(0, NAMED_TENSORS).join(', ');
	const known = families.filter((family) => family.recognizes !== undefined).map(({ title }) => title);
	return new UserFacingError(
		'model-unreadable',
		`${source.path} holds tensors of no family that is known (${known.join(', ')}): it starts with ${names}.`,
		{ remedy: 'Weights of a Hugging Face model need its config.json beside them.' },
	);
}

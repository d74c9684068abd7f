import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UserFacingError } from '../domain/errors.ts';
import { type Finding, Findings } from './findings.ts';
import { parsePart, type ParityCase } from './parity-case.ts';

/** A case of Hugging Face's transformers, as its models take it. */
export type HfCase = ParityCase & {
	/** config.json. */
	config: Readonly<Record<string, unknown>>;
	/** preprocessor_config.json, where the case has one. */
	preprocessor: Readonly<Record<string, unknown>> | null;
	/** Batches by the name that its tensors begin with; each picture is `<batch>.image.<i>`, [height, width, 3] of bytes. */
	batches: readonly { name: string; sizes: readonly { height: number; width: number }[] }[];
	/** Largest difference of our preprocessing's pixels: networks are compared on the reference's `<batch>.pixel_values`. */
	pixelTolerance: { abs: number; rel: number };
};

/** Compares all that a case of one model type states, on every batch. */
type HfModel = (given: HfCase, findings: Findings) => Promise<void>;

/** By `model_type` of config.json. One file per kind of network, one line below. */
const MODELS: Readonly<Record<string, HfModel>> = {};

/** Models of Hugging Face's transformers, as folders of config.json, weights and preprocessor_config.json. */
export async function hf(given: ParityCase): Promise<Finding[]> {
	const hfCase = await readHfCase(given);
	const type = String(hfCase.config['model_type']);
	const model = Object.hasOwn(MODELS, type) ? MODELS[type] : undefined;
	if (!model) {
		const known = Object.keys(MODELS).join(', ');
		throw new UserFacingError(
			'file-unreadable',
			`${given.folder}/config.json: model_type must be one of ${known} (got "${type}").`,
		);
	}
	const findings = new Findings(given);
	await model(hfCase, findings);
	return findings.finish();
}

const partsSchema = z.object({
	config: z.object({
		inputs: z.record(
			z.string(),
			z.object({ images_hw: z.array(z.tuple([z.number().int(), z.number().int()])).min(1) }),
		),
	}),
	tolerance: z.object({ pixel_values_abs: z.number() }),
});

async function readHfCase(given: ParityCase): Promise<HfCase> {
	const { config, tolerance } = parsePart(partsSchema, given.description, `${given.folder}/case.json`);
	const batches = Object.entries(config.inputs).map(([name, { images_hw }]) => ({
		name,
		sizes: images_hw.map(([height, width]) => ({ height, width })),
	}));
	return {
		...given,
		config: await readJson(join(given.folder, 'config.json')),
		preprocessor: await readJson(join(given.folder, 'preprocessor_config.json')).catch(() => null),
		batches,
		pixelTolerance: { abs: tolerance.pixel_values_abs, rel: 0 },
	};
}

async function readJson(path: string): Promise<Record<string, unknown>> {
	try {
		return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
	} catch (cause) {
		throw new UserFacingError('file-unreadable', `${path} cannot be read as JSON.`, { cause });
	}
}

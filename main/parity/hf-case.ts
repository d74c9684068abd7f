import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UserFacingError } from '../domain/errors.ts';
import { batchesSchema, parsePart, type ParityCase } from './parity-case.ts';

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

const partsSchema = z.object({
	config: z.object({ inputs: batchesSchema }),
	tolerance: z.object({ pixel_values_abs: z.number() }),
});

/** Adds the files of a model's folder to a case; throws `file-unreadable`. */
export async function readHfCase(given: ParityCase): Promise<HfCase> {
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

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { UserFacingError } from '../domain/errors.ts';
import { readSafetensors, type WeightTensor, type Weights } from '../weights/safetensors.ts';
import {
	seededPictures,
	seededPicturesSchema,
	seededTensors,
	seededTensorsSchema,
	seededVideo,
	seededVideoSchema,
} from '../weights/seeded-tensors.ts';

/** A case that was made by running a published implementation: what went in, what came out, how close is right. */
export type ParityCase = {
	folder: string;
	system: string;
	name: string;
	/** case.json, as it stands: every system reads its own parts. */
	description: Readonly<Record<string, unknown>>;
	tolerance: Tolerance;
	/** The reference's, from a file or a seed; empty where the case has none. */
	weights: Weights;
	/** Inputs and outputs, from a file or a seed. Numbers come as float32, whole ones exactly up to 2²⁴. */
	tensors: Weights;
};

/** |a − b| ≤ abs + rel · |b|, b being the reference's. */
export type Tolerance = { abs: number; rel: number };

/** Numbers that are not stated must agree exactly. */
const toleranceSchema = z.object({ abs: z.number().optional(), rel: z.number().optional() }).nullish();

/** Of systems whose cases are not whole model folders, and of those whose cases are. */
const WEIGHT_FILES = ['weights.safetensors', 'model.safetensors'];

/** A folder of this name holds one JSON file per model in place of a case.json. */
const MANIFESTS = 'manifests';

/** Whether `folder` holds a case. */
export function isParityCase(folder: string): boolean {
	return existsSync(join(folder, 'case.json')) || basename(resolve(folder)) === MANIFESTS;
}

/**
 * Reads the case in `folder`. Of a folder of manifests, the description is `{ manifests: […] }`, the files by name. Throws
 * `file-not-found` or `file-unreadable`, naming the file.
 */
export async function readParityCase(folder: string): Promise<ParityCase> {
	const path = join(folder, 'case.json');
	const description: Record<string, unknown> =
		basename(resolve(folder)) === MANIFESTS
			? { manifests: await readManifests(folder) }
			: parseObject(await readRequired(path), path);
	const textOf = (part: string) => parsePart(z.string().optional(), description[part], `${path}: ${part}`);
	const tolerance = parsePart(toleranceSchema, description['tolerance'], `${path}: tolerance`);
	return {
		folder: resolve(folder),
		system: textOf('system') ?? basename(dirname(resolve(folder))),
		name: textOf('case') ?? basename(resolve(folder)),
		description,
		tolerance: { abs: tolerance?.abs ?? 0, rel: tolerance?.rel ?? 0 },
		weights: await readWeights(folder, description['weights']),
		tensors: new Map([
			...(await readTensors(join(folder, 'tensors.safetensors'), false)),
			...(await readShared(folder, parsePart(sharedSchema, description['shared'], `${path}: shared`))),
			...seededInputs(description, path),
		]),
	};
}

/** By the file of another case: names of its tensors that this case has too. */
const sharedSchema = z.record(z.string(), z.array(z.string())).optional();

async function readShared(folder: string, shared: z.infer<typeof sharedSchema> = {}): Promise<Weights> {
	const found = new Map<string, WeightTensor>();
	for (const [file, names] of Object.entries(shared)) {
		const path = join(folder, file);
		const tensors = await readTensors(path, true);
		for (const name of names) {
			const tensor = tensors.get(name);
			if (!tensor) throw new UserFacingError('file-unreadable', `${path} has no tensor ${name}.`);
			found.set(name, tensor);
		}
	}
	return found;
}

/** What case.json gives as seeds: `inputs` and `pictures` by name, `video` by frame. */
function seededInputs(description: Readonly<Record<string, unknown>>, path: string): Weights {
	const { inputs, pictures, video } = description;
	return new Map([
		...(inputs ? seededTensors(parsePart(seededTensorsSchema, inputs, `${path}: inputs`)) : []),
		...(pictures ? seededPictures(parsePart(seededPicturesSchema, pictures, `${path}: pictures`)) : []),
		...(video ? seededVideo(parsePart(seededVideoSchema, video, `${path}: video`)) : []),
	]);
}

/** `stated` is another case's file of weights or case.json, a seed, or nothing where the case has a file of its own or none. */
async function readWeights(folder: string, stated: unknown): Promise<Weights> {
	if (typeof stated === 'string') {
		const path = join(folder, stated);
		if (!path.endsWith('.json')) return readTensors(path, true);
		return readWeights(dirname(path), parseObject(await readRequired(path), path)['weights']);
	}
	if (stated !== undefined)
		return seededTensors(parsePart(seededTensorsSchema, stated, `${join(folder, 'case.json')}: weights`));
	const own = WEIGHT_FILES.map((name) => join(folder, name)).find((path) => existsSync(path));
	return own === undefined ? new Map() : readTensors(own, true);
}

/** A part of case.json, as `schema` has it; throws `file-unreadable`, naming the first thing that is wrong or missing. */
export function casePart<T>({ folder, description }: ParityCase, part: string, schema: z.ZodType<T>): T {
	return parsePart(schema, description[part], `${join(folder, 'case.json')}: ${part}`);
}

/** Parses a part of a description; throws `file-unreadable`, naming the place and the first thing that is wrong. */
export function parsePart<T>(schema: z.ZodType<T>, part: unknown, place: string): T {
	const { data, error } = schema.safeParse(part);
	if (!error) return data;
	const { path, message } = error.issues[0]!;
	const where = path.length > 0 ? `${path.join('.')}: ` : '';
	throw new UserFacingError('file-unreadable', `${place} is not what a case may hold (${where}${message}).`);
}

/** Batches of pictures by the name that their tensors begin with, and the pictures' sizes. */
export const batchesSchema = z.record(
	z.string(),
	z.object({ images_hw: z.array(z.tuple([z.number().int(), z.number().int()])).min(1) }),
);

/** A tensor of a case; throws `file-unreadable` where it has none of that name. */
export function caseTensor(given: ParityCase, name: string): WeightTensor {
	const tensor = given.tensors.get(name);
	if (tensor) return tensor;
	throw new UserFacingError('file-unreadable', `${given.folder}/tensors.safetensors has no tensor ${name}.`);
}

async function readManifests(folder: string): Promise<Record<string, unknown>[]> {
	const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
	const paths = names.map((name) => join(folder, name));
	return Promise.all(paths.map(async (path) => parseObject(await readRequired(path), path)));
}

async function readTensors(path: string, required: boolean): Promise<Weights> {
	const bytes = required ? await readRequired(path) : await readFile(path).catch(() => null);
	return bytes ? readSafetensors(bytes, path) : new Map();
}

async function readRequired(path: string): Promise<Uint8Array> {
	try {
		return await readFile(path);
	} catch (cause) {
		throw new UserFacingError('file-not-found', `${path} cannot be read; a case is a folder that holds it.`, {
			cause,
		});
	}
}

function parseObject(bytes: Uint8Array, path: string): Record<string, unknown> {
	try {
		const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
		if (typeof json === 'object' && json !== null && !Array.isArray(json))
			return json as Record<string, unknown>;
	} catch {
		// Said below, with the place.
	}
	throw new UserFacingError('file-unreadable', `${path} is not a JSON object.`);
}

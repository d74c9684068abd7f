import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UserFacingError } from '../domain/errors.ts';
import { readSafetensors, type WeightTensor, type Weights } from '../weights/safetensors.ts';

/** A case that was made by running a published implementation: what went in, what came out, how close is right. */
export type ParityCase = {
	folder: string;
	system: string;
	name: string;
	/** case.json, as it stands: every system reads its own parts. */
	description: Readonly<Record<string, unknown>>;
	tolerance: Tolerance;
	/** Of the reference; empty where the case has none. Numbers come as float32, whole ones exactly up to 2²⁴. */
	weights: Weights;
	tensors: Weights;
};

/** |a − b| ≤ abs + rel · |b|, b being the reference's. */
export type Tolerance = { abs: number; rel: number };

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
	const [tensors, ownWeights] = [join(folder, 'tensors.safetensors'), join(folder, 'weights.safetensors')];
	const named = typeof description['weights'] === 'string' ? join(folder, description['weights']) : null;
	const tolerance = (description['tolerance'] ?? {}) as Partial<Tolerance>;
	return {
		folder: resolve(folder),
		system: String(description['system'] ?? basename(dirname(resolve(folder)))),
		name: String(description['case'] ?? basename(resolve(folder))),
		description,
		tolerance: { abs: Number(tolerance.abs ?? 0), rel: Number(tolerance.rel ?? 0) },
		weights: named ? await readTensors(named, true) : await readTensors(ownWeights, false),
		tensors: await readTensors(tensors, false),
	};
}

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

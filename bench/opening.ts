import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { yolosPlan } from '../main/families/yolos/plan.ts';
import { compileFull } from '../main/reduction/vit-graphs.ts';
import { layOutSafetensors, type StoredTensor } from '../main/weights/safetensors.ts';
import { TensorAudit } from '../main/weights/tensor-audit.ts';
import { median } from './machine.ts';
import type { Opening } from './opening-process.ts';
import { randomWeights } from './random-weights.ts';
import { YOLOS_SMALL } from './transformers.ts';

/** config.json of YOLOS-small; what is missing is as in transformers' defaults. */
const CONFIG = { model_type: 'yolos', hidden_size: 384, num_attention_heads: 6, intermediate_size: 1536 };
const LABELS = 91;
const MODES = ['dense', 'token-cache'];

export type OpeningRow = {
	label: string;
	milliseconds: number;
	/** Beyond what the process takes before it opens anything. */
	peakMib: number;
};

/** Opens a model of that many bytes in processes of their own: without a cache that knows it, and with one that does. */
export async function benchOpening(options: {
	threads: number;
	rounds: number;
}): Promise<{ modelMib: number; rows: OpeningRow[] }> {
	const folder = await mkdtemp(join(tmpdir(), 'sparsight-bench-'));
	const model = join(folder, 'yolos-small');
	const cache = join(folder, 'cache');
	try {
		const bytes = await writeYolos(model);
		const rows: OpeningRow[] = [];
		for (const mode of MODES) {
			const first: Opening[] = [];
			const again: Opening[] = [];
			for (let round = 0; round < options.rounds; round++) {
				await rm(cache, { recursive: true, force: true });
				first.push(await openOnce(model, mode, cache, options.threads));
				again.push(await openOnce(model, mode, cache, options.threads));
			}
			rows.push(rowOf(`${mode}, first`, first), rowOf(`${mode}, again`, again));
		}
		return { modelMib: bytes / 2 ** 20, rows };
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** A folder with weights of the published names and sizes; how many bytes they take. */
async function writeYolos(folder: string): Promise<number> {
	const audit = new TensorAudit(new Map(), folder, 'YOLOS');
	const plan = yolosPlan(YOLOS_SMALL, YOLOS_SMALL.tableSize, LABELS);
	compileFull(plan, audit.lookup, { keepKeysAndValues: false, withScores: false });
	const stored = new Map<string, StoredTensor>();
	for (const [name, { data, shape }] of randomWeights(Object.fromEntries(audit.asked)))
		stored.set(name, {
			dtype: 'F32',
			shape,
			bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
		});
	const parts = layOutSafetensors(stored, {});
	const id2label = Object.fromEntries(Array.from({ length: LABELS }, (_, i) => [i, `class ${i}`]));
	await mkdir(folder);
	await writeFile(join(folder, 'config.json'), JSON.stringify({ ...CONFIG, id2label }));
	await writeFile(join(folder, 'model.safetensors'), parts);
	return parts.reduce((sum, { length }) => sum + length, 0);
}

/** In a process of its own; mode `plain` loads an ONNX file into the runtime, and nothing else. */
export async function openOnce(
	model: string,
	mode: string,
	cache: string,
	threads: number,
): Promise<Opening> {
	const entry = join(import.meta.dirname, 'bench-opening.js');
	const words = [entry, model, mode, cache, String(threads)];
	const { stdout } = await promisify(execFile)(process.execPath, words);
	return JSON.parse(stdout) as Opening;
}

export function rowOf(label: string, openings: readonly Opening[]): OpeningRow {
	const peaks = openings.map(({ peakBytes, bytesBefore }) => (peakBytes - bytesBefore) / 2 ** 20);
	return {
		label,
		milliseconds: median(openings.map(({ milliseconds }) => milliseconds)),
		peakMib: Math.max(...peaks),
	};
}

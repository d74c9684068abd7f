import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { assert } from '../../main/domain/errors.ts';
import { median } from '../machine.ts';
import { benchTransformer, cached, DENSE } from '../transformers.ts';
import type { Subject } from './subjects.ts';

/** Milliseconds of a part of a frame: dense, with a tenth of the tokens, and what that would be if all parts shrank as multiply-adds do. */
export type Part = { part: string; dense: number; tenth: number; ideal: number };

export type PartsTable = { model: string; ideal: number; reached: number; parts: Part[] };

const OUTSIDE = 'around the graph: change, selection, rows';
const BETWEEN = 'between operators';
const PARTS: Readonly<Record<string, string>> = {
	MultiHeadAttention: 'attention',
	FusedMatMul: 'attention',
	MatMul: 'attention',
	Softmax: 'attention',
	Gemm: 'linear layers',
	FusedGemm: 'linear layers',
	Conv: 'pixels to tokens',
	LayerNormalization: 'norms and activations',
	SkipLayerNormalization: 'norms and activations',
	Gelu: 'norms and activations',
	BiasGelu: 'norms and activations',
};
const REST = 'moving and adding';

/** Where the time of a tenth of the tokens goes beyond the ideal, by the runtime's own profiles; of a transformer that stands alone. */
export async function measureParts(
	subject: Subject,
	options: { threads: number; rounds: number },
): Promise<PartsTable> {
	const folder = await mkdtemp(join(tmpdir(), 'sparsight-profiles-'));
	try {
		const rows = await profiled(folder, () =>
			benchTransformer(subject.host(), [DENSE, cached(0.1)], options),
		);
		// Named by when they were opened: dense first, the graph of selected tokens last.
		const files = (await readdir(folder)).sort();
		const [dense, tenth] = [
			await partsOf(join(folder, files[0]!)),
			await partsOf(join(folder, files.at(-1)!)),
		];
		const [whole, reduced] = rows as [(typeof rows)[0], (typeof rows)[0]];
		dense.set(OUTSIDE, whole.runMs - sum(dense));
		tenth.set(OUTSIDE, reduced.runMs - sum(tenth));
		const ratio = whole.gmac / reduced.gmac;
		const names = [...new Set([...dense.keys(), ...tenth.keys()])];
		return {
			model: subject.title,
			ideal: ratio,
			reached: reduced.speedup,
			parts: names.map((part) => {
				const [ofDense, ofTenth] = [dense.get(part) ?? 0, tenth.get(part) ?? 0];
				return { part, dense: ofDense, tenth: ofTenth, ideal: ofDense / ratio };
			}),
		};
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** Has every session that `work` opens write a profile into a folder. */
async function profiled<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
	const plain = InferenceSession.create;
	let opened = 0;
	const create = async (bytes: Uint8Array, options: InferenceSession.SessionOptions) => {
		const profileFilePrefix = join(folder, String(opened++).padStart(4, '0'));
		const session = await plain.call(InferenceSession, bytes, {
			...options,
			enableProfiling: true,
			profileFilePrefix,
		});
		const release = session.release.bind(session);
		session.release = () => {
			session.endProfiling();
			return release();
		};
		return session;
	};
	InferenceSession.create = create as typeof plain;
	try {
		return await work();
	} finally {
		InferenceSession.create = plain;
	}
}

type Event = { cat: string; name: string; ts: number; dur: number; args?: { op_name?: string } };

/** Milliseconds of each part of a run, the median over runs but the first. */
async function partsOf(path: string): Promise<Map<string, number>> {
	const events = JSON.parse(await readFile(path, 'utf8')) as Event[];
	const runs = events.filter(({ cat, name }) => cat === 'Session' && name === 'model_run').slice(1);
	assert(runs.length > 0, `${path} holds runs`);
	const nodes = events.filter(({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time'));
	const perRun = runs.map(({ ts, dur }) => {
		const parts = new Map<string, number>();
		for (const node of nodes) {
			if (node.ts < ts || node.ts > ts + dur) continue;
			const part = PARTS[node.args?.op_name ?? ''] ?? REST;
			parts.set(part, (parts.get(part) ?? 0) + node.dur / 1000);
		}
		return parts.set(BETWEEN, dur / 1000 - sum(parts));
	});
	const names = new Set(perRun.flatMap((parts) => [...parts.keys()]));
	return new Map([...names].map((name) => [name, median(perRun.map((parts) => parts.get(name) ?? 0))]));
}

function sum(parts: ReadonlyMap<string, number>): number {
	return [...parts.values()].reduce((total, ms) => total + ms, 0);
}

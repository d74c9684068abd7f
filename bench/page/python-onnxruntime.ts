import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openModel } from '../../main/families/index.ts';
import { createRuntime } from '../../main/runtime/onnx-runtime.ts';
import type { PytorchResult } from '../pytorch.ts';

/** A model's own dense graph at a size in Python's onnxruntime: SPARSIGHT_PYTHON, else `python3`; or why it could not be measured. */
export async function benchPythonRuntime(options: {
	script: string;
	modelPath: string;
	threads: number;
	width: number;
	height: number;
}): Promise<PytorchResult> {
	const python = process.env['SPARSIGHT_PYTHON'] ?? 'python3';
	const { script, modelPath, threads, width, height } = options;
	const folder = await mkdtemp(join(tmpdir(), 'sparsight-graph-'));
	try {
		const path = join(folder, 'dense.onnx');
		const runtime = createRuntime(threads);
		const load: typeof runtime.load = async (bytes, ...rest) => {
			await writeFile(path, bytes);
			return runtime.load(bytes, ...rest);
		};
		const picture = {
			displaySize: { width, height },
			maxSide: Math.max(width, height),
			scoreThreshold: 0.05,
		};
		const model = await openModel(modelPath);
		const detector = await model.open({ ...picture, mode: 'dense', settings: {} }, { ...runtime, load });
		await detector.release();
		const { stdout } = await promisify(execFile)(python, [script, path, String(threads)]);
		return JSON.parse(stdout) as PytorchResult;
	} catch (error) {
		const reason = error instanceof Error ? (error.message.trim().split('\n').at(-1) ?? '') : String(error);
		return { skipped: `${python} could not run onnxruntime (${reason})` };
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

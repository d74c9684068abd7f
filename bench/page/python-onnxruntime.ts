import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openModel } from '../../main/families/index.ts';
import { createRuntime } from '../../main/runtime/onnx-runtime.ts';
import { askPython, type PythonResult, skippedFor } from '../python.ts';

/** A model's own dense graph at a size in Python's onnxruntime. */
export async function benchPythonRuntime(options: {
	script: string;
	modelPath: string;
	threads: number;
	width: number;
	height: number;
}): Promise<PythonResult> {
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
		return await askPython<PythonResult>([script, path, String(threads)]);
	} catch (error) {
		return skippedFor(error, 'run onnxruntime');
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

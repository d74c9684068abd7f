import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Milliseconds of one dense frame in the PyTorch reference, or why it could not be measured. */
export type PytorchResult = { msPerFrame: number; version: string } | { skipped: string };

/** Times `tools/training/reference.py`, in a Python that has PyTorch: SPARSIGHT_PYTHON, else `python3`. */
export async function benchPytorch(options: {
	referenceFolder: string;
	modelPath: string;
	threads: number;
	width: number;
	height: number;
}): Promise<PytorchResult> {
	const python = process.env['SPARSIGHT_PYTHON'] ?? 'python3';
	const { referenceFolder, modelPath, threads, width, height } = options;
	const script = `
import json, sys, time
sys.path.insert(0, ${JSON.stringify(referenceFolder)})
import torch
from pathlib import Path
from reference import Reference
torch.set_num_threads(${threads})
model = Reference(Path(${JSON.stringify(modelPath)}))
image = torch.rand(1, 3, ${height}, ${width})
times = []
for i in range(8):
    start = time.perf_counter()
    model(image)
    times.append(time.perf_counter() - start)
print(json.dumps({"msPerFrame": 1000 * sorted(times[1:])[3], "version": torch.__version__}))
`;
	try {
		const { stdout } = await promisify(execFile)(python, ['-c', script]);
		return JSON.parse(stdout) as PytorchResult;
	} catch (error) {
		const reason = error instanceof Error ? (error.message.trim().split('\n').at(-1) ?? '') : String(error);
		return { skipped: `${python} could not run the reference (${reason})` };
	}
}

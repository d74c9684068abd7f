import { askPython, type PythonResult, skippedFor } from './python.ts';

/** Times a dense frame in `tools/training/reference.py`, which needs PyTorch. */
export async function benchPytorch(options: {
	referenceFolder: string;
	modelPath: string;
	threads: number;
	width: number;
	height: number;
}): Promise<PythonResult> {
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
	return askPython<PythonResult>(['-c', script]).catch((error: unknown) =>
		skippedFor(error, 'run the reference'),
	);
}

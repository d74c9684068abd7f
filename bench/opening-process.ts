import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openModel } from '../main/families/index.ts';
import { createRuntime } from '../main/runtime/onnx-runtime.ts';
import { TensorStore } from '../main/runtime/tensor-store.ts';

// The entry of a process that opens a model once, as the worker does, and prints what that took.

/** How long it takes until a detector is there, and the memory of the process before and at the most, in bytes. */
export type Opening = { milliseconds: number; bytesBefore: number; peakBytes: number };

const [modelPath, mode, cacheFolder, threads] = process.argv.slice(2) as [string, string, string, string];
const peakBytes = () => 1024 * process.resourceUsage().maxRSS;

const bytesBefore = process.memoryUsage.rss();
const start = performance.now();
const runtime = createRuntime(Number(threads), { tensors: new TensorStore(join(cacheFolder, 'weights')) });
const picture = { displaySize: { width: 864, height: 512 }, maxSide: 864, scoreThreshold: 0.05 };
if (mode === 'plain') await runtime.load(readFileSync(modelPath), modelPath);
else await (await openModel(modelPath, cacheFolder)).open({ ...picture, mode, settings: {} }, runtime);
const opening: Opening = { milliseconds: performance.now() - start, bytesBefore, peakBytes: peakBytes() };
process.stdout.write(JSON.stringify(opening));

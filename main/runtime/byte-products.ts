import { encodeGraph, GraphBuilder } from '../graph/graph-builder.ts';
import { LARGEST } from '../graph/int8-linear.ts';
import { oncePerRuntime } from './once-per-runtime.ts';
import type { GraphRuntime } from './runtime.ts';
import { float32, floats } from './tensors.ts';

/** Products of bytes that are added up, as many as make two of them overflow sixteen bits. */
const FEATURES = 64;
/** Where attention in whole numbers was measured. */
const ARCHITECTURES: readonly string[] = ['x64'];

/**
 * Whether the processor multiplies bytes by instructions made for it (VNNI, AMX), which are fast and exact. Others add pairs of products
 * in sixteen bits and cut off what does not fit: that is what is tried out, once for each runtime.
 */
export const multipliesBytes = oncePerRuntime(tryOut);

async function tryOut(runtime: GraphRuntime): Promise<boolean> {
	if (!ARCHITECTURES.includes(process.arch)) return false;
	const graph = new GraphBuilder();
	const x = graph.input('x', 'float32', [1, FEATURES]);
	const largest = { type: 'int8', data: new Int8Array(FEATURES * 16).fill(LARGEST) } as const;
	const numbers = graph.constant('numbers', { ...largest, shape: [FEATURES, 16], origin: undefined });
	const products = [x, numbers, graph.floats([1])];
	const node = { domain: 'com.microsoft' };
	graph.output('y', graph.op('DynamicQuantizeMatMul', products, { shape: [1, 16] }, node));
	const session = await runtime.load(encodeGraph(graph.compile('products of bytes')), 'products of bytes');
	try {
		// Ones are rounded to 255.
		const outputs = await session.run({ x: float32(new Float32Array(FEATURES).fill(1), [1, FEATURES]) }, [
			'y',
		]);
		return floats(outputs, 'y').every((sum) => Math.abs(sum - FEATURES * LARGEST) < 1);
	} finally {
		await session.release();
	}
}

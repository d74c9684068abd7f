import { z } from 'zod';
import type { Weights } from '../weights/safetensors.ts';
import type { Findings } from './findings.ts';
import { parsePart, type ParityCase } from './parity-case.ts';

/** Names and shapes of all tensors of a full-size model, without their numbers. */
export const manifestSchema = z.object({
	model: z.string(),
	config: z.unknown().optional(),
	/** Of all tensors together, learned numbers only. */
	parameters: z.number(),
	entries: z.number(),
	tensors: z.record(z.string(), z.array(z.number())),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** The manifests that a case is, each as `schema` has it. Throws `file-unreadable`. */
export function manifestsOf<T extends Manifest>(given: ParityCase, schema: z.ZodType<T>): T[] {
	return parsePart(z.array(schema), given.description['manifests'], given.folder);
}

/** Tensors of zeros, of the shapes that a manifest states; they share their memory. */
export function manifestWeights(manifest: Pick<Manifest, 'tensors'>): Weights {
	const sizeOf = (shape: readonly number[]) => shape.reduce((size, dim) => size * dim, 1);
	const shapes = Object.entries(manifest.tensors);
	const zeros = new Float32Array(Math.max(...shapes.map(([, shape]) => sizeOf(shape))));
	return new Map(shapes.map(([name, shape]) => [name, { data: zeros.subarray(0, sizeOf(shape)), shape }]));
}

/** Whether a model asks for just the tensors that a manifest states: no other name, none left out, no other shape. */
export function compareManifest(
	findings: Findings,
	manifest: Manifest,
	asked: ReadonlyMap<string, readonly number[]>,
): void {
	findings.equalTo(`${manifest.model}: entries`, [asked.size], [manifest.entries]);
	const names = [...new Set([...Object.keys(manifest.tensors), ...asked.keys()])];
	const wrong = names.filter((name) => String(asked.get(name)) !== String(manifest.tensors[name]));
	findings.equalTo(
		`${manifest.model}: names and shapes${wrong[0] ? ` (${wrong[0]})` : ''}`,
		[wrong.length],
		[0],
	);
}

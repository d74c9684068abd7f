import { z } from 'zod';

/** A field that a file may leave out or set to null, both meaning `value`. */
export function orElse<Schema extends z.ZodType>(schema: Schema, value: z.infer<Schema>) {
	return schema.nullish().transform((given): z.infer<Schema> => given ?? value);
}

/** The classes of transformers that a file is for: one that finds objects among them, where it states any. */
export const architectures = z
	.array(z.string())
	.nullish()
	.refine((names) => !names?.length || names.some((name) => name.endsWith('ForObjectDetection')), {
		error: ({ input }) => `must be for object detection, got ${String(input)}`,
	});

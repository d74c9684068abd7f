import { z } from 'zod';
import { UserFacingError } from '../../domain/errors.ts';

/**
 * A JSON file of a Hugging Face folder as a schema has it; throws `model-unreadable`, naming `place` and the first field
 * that is wrong. `model`: what needs it, such as `DETR`.
 */
export function checkedConfig<Schema extends z.ZodType>(
	schema: Schema,
	json: unknown,
	place: string,
	model: string,
): z.infer<Schema> {
	const parsed = schema.safeParse(json);
	if (parsed.success) return parsed.data;
	const issue = parsed.error.issues[0];
	const field = issue?.path.join('.') || 'the file';
	throw new UserFacingError(
		'model-unreadable',
		`${place}: ${field} is not as ${model} needs it (${issue?.message}).`,
	);
}

/** A field that a file may leave out or set to null, both meaning `value`. */
export function orElse<Schema extends z.ZodType>(schema: Schema, value: z.infer<Schema>) {
	return schema.nullish().transform((given): z.infer<Schema> => given ?? value);
}

export const size = z.number().int().positive();

/** The classes of transformers that a file is for: one that finds objects among them, where it states any. */
export const architectures = z
	.array(z.string())
	.nullish()
	.refine((names) => !names?.length || names.some((name) => name.endsWith('ForObjectDetection')), {
		error: ({ input }) => `must be for object detection, got ${String(input)}`,
	});

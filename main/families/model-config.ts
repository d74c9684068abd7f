import type { z } from 'zod';
import { UserFacingError } from '../domain/errors.ts';
import type { SourceConfig } from './source.ts';

/**
 * A configuration as `schema` has it; throws `model-unreadable`, naming the file and the first field that is wrong.
 * `model`: what needs it, such as `Lookout`; `remedy`: what to do then.
 */
export function parseModelConfig<Schema extends z.ZodType>(
	schema: Schema,
	{ place, json }: Pick<SourceConfig, 'place' | 'json'>,
	model: string,
	remedy?: string,
): z.infer<Schema> {
	const parsed = schema.safeParse(json);
	if (parsed.success) return parsed.data;
	const issue = parsed.error.issues[0];
	const field = issue?.path.join('.') || 'the file';
	throw new UserFacingError(
		'model-unreadable',
		`${place}: ${field} is not as ${model} needs it (${issue?.message}).`,
		remedy === undefined ? {} : { remedy },
	);
}

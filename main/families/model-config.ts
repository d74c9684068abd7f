import type { z } from 'zod';
import { UserFacingError } from '../domain/errors.ts';

/**
 * Reads the text of a model.json; throws `model-unreadable`, naming `place` and the first field that is wrong. `model`:
 * what needs it, such as `Lookout`; `remedy`: what to do then.
 */
export function parseModelConfig<Schema extends z.ZodType>(
	schema: Schema,
	text: string,
	place: string,
	model: string,
	remedy?: string,
): z.infer<Schema> {
	const advice = remedy === undefined ? {} : { remedy };
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch (cause) {
		throw new UserFacingError('model-unreadable', `${place} is not JSON.`, { ...advice, cause });
	}
	const parsed = schema.safeParse(json);
	if (parsed.success) return parsed.data;
	const issue = parsed.error.issues[0];
	const field = issue?.path.join('.') || 'the file';
	throw new UserFacingError(
		'model-unreadable',
		`${place}: ${field} is not as ${model} needs it (${issue?.message}).`,
		advice,
	);
}

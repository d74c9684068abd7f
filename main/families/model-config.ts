import { z } from 'zod';
import { UserFacingError } from '../domain/errors.ts';
import type { LeastScores } from '../domain/least-scores.ts';
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
	const { path, message } = clearest(parsed.error.issues[0]!);
	const field = path.join('.') || 'the file';
	throw new UserFacingError(
		'model-unreadable',
		`${place}: ${field} is not as ${model} needs it (${message}${gotAt(path, json, message)}).`,
		remedy === undefined ? {} : { remedy },
	);
}

/** Where several forms are allowed, what is wrong with the one that was meant: the first whose type is right. */
function clearest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
	if (issue.code !== 'invalid_union') return issue;
	const meant = issue.errors.find(([first]) => first && first.code !== 'invalid_type')?.[0];
	return meant ? clearest({ ...meant, path: [...issue.path, ...meant.path] }) : issue;
}

/** What stands at a path, where that is one value and `message` does not tell it. */
function gotAt(path: readonly PropertyKey[], json: unknown, message: string): string {
	if (/\b(got|received)\b/.test(message)) return '';
	const value = path.reduce((within, key) => (within as Record<PropertyKey, unknown>)?.[key], json);
	return value === undefined || typeof value === 'object' ? '' : `, got ${JSON.stringify(value)}`;
}

/** Field `display_scores` of a model.json: by the name of a class, the score that it is displayed from. */
export const displayScores = z.record(z.string(), z.number().min(0).max(1)).default({});

/** By class, the score that it is displayed from: its own where it was measured, else the one of all classes. */
export function displayThresholdsOf(config: {
	classes: readonly string[];
	nms: { score: number };
	display_scores: Readonly<Record<string, number>>;
}): LeastScores {
	return config.classes.map((name) => config.display_scores[name] ?? config.nms.score);
}

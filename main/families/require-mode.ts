import { UserFacingError } from '../domain/errors.ts';

/** Throws `unknown-mode`, naming the model's `title` and its modes, where `mode` is none of them. */
export function requireMode(mode: string, modes: readonly string[], title: string): void {
	if (modes.includes(mode)) return;
	throw new UserFacingError(
		'unknown-mode',
		`Mode ${mode} does not work with ${title}: its modes are ${modes.join(', ')}.`,
	);
}

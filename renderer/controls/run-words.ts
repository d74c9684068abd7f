import type { AppDescription } from '../../preload/contract.ts';
import { hostWord } from '../i18n/language.svelte.ts';

/** A run's title: its mode, such as `Dense`, after the model's name if there are runs of several models. */
export function runTitle(
	{ modes, models }: AppDescription,
	run: { modelId: string; mode: string },
	namesModel: boolean,
): string {
	const mode = hostWord(`mode.${run.mode}`, modes.find(({ id }) => id === run.mode)?.title ?? run.mode);
	if (!namesModel) return mode;
	return `${models.find(({ id }) => id === run.modelId)?.name ?? run.modelId} · ${mode}`;
}

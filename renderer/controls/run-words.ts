import type { AppDescription } from '../../preload/contract.ts';
import { hostWord } from '../i18n/language.svelte.ts';

/** What a run is for a person: its mode, such as `Dense`; behind the model's name where runs of several are about. */
export function runTitle(
	{ modes, models }: AppDescription,
	run: { modelId: string; mode: string },
	namesModel: boolean,
): string {
	const mode = hostWord(`mode.${run.mode}`, modes.find(({ id }) => id === run.mode)?.title ?? run.mode);
	if (!namesModel) return mode;
	return `${models.find(({ id }) => id === run.modelId)?.name ?? run.modelId} · ${mode}`;
}

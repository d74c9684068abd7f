import type { Precision } from '../../main/domain/execution.ts';
import type { AppDescription } from '../../preload/contract.ts';
import { hostWord } from '../i18n/language.svelte.ts';

/** A run's title: its mode, such as `Dense`, after the model's name if there are runs of several models, with int8 where it has that. */
export function runTitle(
	{ modes, models }: AppDescription,
	run: { modelId: string; mode: string; precision?: Precision },
	namesModel: boolean,
): string {
	const mode = hostWord(`mode.${run.mode}`, modes.find(({ id }) => id === run.mode)?.title ?? run.mode);
	const model = models.find(({ id }) => id === run.modelId)?.name ?? run.modelId;
	const isRounded = run.precision === 'int8';
	return [...(namesModel ? [model] : []), mode, ...(isRounded ? ['int8'] : [])].join(' · ');
}

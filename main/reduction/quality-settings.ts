import type { SettingSpec } from '../domain/settings-table.ts';

/** Settings of modes that are steered by their estimated agreement with a dense run. */
export const AGREEMENT = {
	kind: 'number',
	default: 0.97,
	min: 0.5,
	max: 1,
	step: 0.005,
	live: true,
	description:
		'Agreement with a dense run (F1 of the boxes shown) that is to be kept, as estimated while the run goes on.',
} as const satisfies SettingSpec;

/** Whether a policy takes as few as the agreement to keep allows. */
export function asksForQuality(policy: string): boolean {
	return policy === 'quality' || policy === 'real-time';
}

export const AUDITS = {
	kind: 'number',
	default: 0.03,
	min: 0,
	max: 0.5,
	step: 0.01,
	live: true,
	description:
		'Share of the run’s cost spent on frames that are computed dense as well, to measure the agreement; 0 for none.',
} as const satisfies SettingSpec;

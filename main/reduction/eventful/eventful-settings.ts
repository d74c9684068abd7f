import { UserFacingError } from '../../domain/errors.ts';
import type { SettingsTable, ValuesOf } from '../../domain/settings-table.ts';
import { extraTotal, type VitPlan } from '../../vit/plan.ts';
import { AGREEMENT, AUDITS } from '../quality-settings.ts';
import type { BlockMethod } from './method.ts';
import type { GatePolicy } from './policy.ts';

/** Mode eventful's settings. Those that are not `live` determine graphs and state, and are fixed when a run begins. */
export const EVENTFUL_SETTINGS = {
	policy: {
		kind: 'choice',
		default: 'fraction',
		live: true,
		description: 'How each gate picks the tokens that pass.',
		options: {
			'top-k': 'The k with the largest errors',
			threshold: 'All whose error exceeds the norm',
			fraction: 'The share with the largest errors',
			quality: 'As few as the agreement with dense allows',
		},
	},
	agreement: {
		...AGREEMENT,
		implies: { policy: 'quality' },
		shownWhen: { setting: 'policy', is: 'quality' },
	},
	audits: { ...AUDITS, shownWhen: { setting: 'policy', is: 'quality' } },
	k: {
		kind: 'integer',
		default: 128,
		min: 0,
		max: 100_000,
		step: 16,
		unit: 'tokens',
		live: true,
		implies: { policy: 'top-k' },
		shownWhen: { setting: 'policy', is: 'top-k' },
		description: 'Tokens that each gate lets pass in a frame.',
	},
	threshold: {
		kind: 'number',
		default: 1,
		min: 0,
		max: 1_000_000,
		step: 0.1,
		live: true,
		implies: { policy: 'threshold' },
		shownWhen: { setting: 'policy', is: 'threshold' },
		description:
			'Length of the difference between a token and what it was last computed from, above which a gate lets it pass.',
	},
	fraction: {
		kind: 'number',
		default: 0.1,
		min: 0,
		max: 1,
		step: 0.005,
		live: true,
		implies: { policy: 'fraction' },
		shownWhen: { setting: 'policy', is: 'fraction' },
		description: 'Share of the tokens that each gate lets pass in a frame.',
	},
	refresh: {
		kind: 'integer',
		default: 0,
		min: 0,
		max: 1_000_000,
		unit: 'frames',
		live: true,
		description: 'The whole frame is computed every so many frames; 0 for the first one only, as published.',
	},
	variant: {
		kind: 'choice',
		default: 'published',
		description: 'What is updated by differences, and what is computed in full.',
		options: {
			published: 'Tokens and both products of attention; the second one only approximately',
			exact: 'The same, without the approximation (Sparsight’s own)',
			'query-key': 'Tokens and the first product of attention',
			tokenwise: 'Tokens only',
			stgt: 'Tokens only, compared with the frame before (STGT)',
		},
	},
	gateBeforeNorm: {
		kind: 'boolean',
		default: false,
		description: 'Gates compare tokens before their layer norm rather than after it.',
	},
	half: {
		kind: 'boolean',
		default: false,
		description: 'The second product of attention is held in half precision.',
	},
	pool: {
		kind: 'integer',
		default: 1,
		min: 1,
		max: 8,
		unit: 'tokens',
		description:
			'Keys and values are means over squares of this side, outside of windows; 1 = every token its own. Networks that were not trained so lose accuracy.',
	},
} as const satisfies SettingsTable;

export type EventfulSettings = ValuesOf<typeof EVENTFUL_SETTINGS>;

/** The policy that settings ask for; under `quality` with the share in force. */
export function gatePolicy(settings: EventfulSettings, fraction: number): GatePolicy {
	switch (settings.policy) {
		case 'top-k':
			return { kind: 'top-k', k: settings.k };
		case 'threshold':
			return { kind: 'threshold', threshold: settings.threshold };
		case 'fraction':
			return { kind: 'fraction', fraction: settings.fraction };
		case 'quality':
			return { kind: 'fraction', fraction };
	}
}

/** The plan with keys and values pooled outside of windows. Throws `bad-argument` where a plan has tokens outside the grid. */
export function pooledPlan(plan: VitPlan, settings: EventfulSettings): VitPlan {
	const side = settings.pool;
	if (side === 1) return plan;
	if (extraTotal(plan) > 0) {
		throw new UserFacingError(
			'bad-argument',
			`Mode eventful can't pool the keys and values of ${plan.name}, which has tokens that read no pixels.`,
			{ remedy: 'Leave the setting pool at 1.' },
		);
	}
	const pool = { rows: side, cols: side };
	return { ...plan, blocks: plan.blocks.map((block) => (block.window ? block : { ...block, pool })) };
}

/** The method of each block: blocks with windows gate tokens only (Eventful Transformers, section 5.1). */
export function blockMethods(plan: VitPlan, settings: EventfulSettings): BlockMethod[] {
	const products = {
		published: 'delta',
		exact: 'exact',
		'query-key': 'query-key',
		tokenwise: 'whole',
		stgt: 'whole',
	} as const;
	const { variant, gateBeforeNorm, half } = settings;
	return plan.blocks.map((block) => ({
		gates: variant === 'stgt' ? 'frame' : 'token',
		gateBeforeNorm,
		product: block.window ? 'whole' : products[variant],
		precision: half && !block.window ? 'float16' : 'float32',
	}));
}

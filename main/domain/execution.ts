/** How attention of our own graphs is computed: by the runtime's own operator, or spelled out in smaller ones. */
export const ATTENTIONS = ['fused', 'plain'] as const;
export type Attention = (typeof ATTENTIONS)[number];

/** What linear layers are computed in. */
export const PRECISIONS = ['float32', 'int8'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** What graphs are run on, and how: everything but speed that two runs of one model and mode may differ in. */
export type Execution = {
	/** Execution provider of the inference runtime, such as `cpu` or `webgpu`. */
	provider: string;
	attention: Attention;
	precision: Precision;
};

/** The part of something larger, such as a run's header. */
export function executionOf({ provider, attention, precision }: Execution): Execution {
	return { provider, attention, precision };
}

/** What every machine has. */
export const ON_CPU: Execution = { provider: 'cpu', attention: 'fused', precision: 'float32' };

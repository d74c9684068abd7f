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

/** What a run was computed by from a frame on, where that changed while it was recorded: after a device was lost. */
export type ExecutionChange = { frameIndex: number } & Execution;

/** What a run was computed by at its end. */
export function lastExecution(first: Execution, changes: readonly ExecutionChange[]): Execution {
	return executionOf(changes.at(-1) ?? first);
}

/** What a frame was computed by. */
export function executionAt(
	first: Execution,
	changes: readonly ExecutionChange[],
	frameIndex: number,
): Execution {
	return lastExecution(
		first,
		changes.filter((change) => change.frameIndex <= frameIndex),
	);
}

/** The changes of a run of which frames up to `lastFrameIndex` are kept, and one more if something else computes what follows. */
export function continuedChanges(
	first: Execution,
	changes: readonly ExecutionChange[],
	lastFrameIndex: number,
	execution: Execution,
): ExecutionChange[] {
	const kept = changes.filter(({ frameIndex }) => frameIndex <= lastFrameIndex);
	if (executionCode(lastExecution(first, kept)) === executionCode(execution)) return kept;
	return [...kept, { frameIndex: lastFrameIndex + 1, ...executionOf(execution) }];
}

/** What every machine has. */
export const ON_CPU: Execution = { provider: 'cpu', attention: 'fused', precision: 'float32' };

/** Where a run goes on that lost its device. */
export function onCpu({ precision }: Pick<Execution, 'precision'>): Execution {
	return { ...ON_CPU, precision };
}

/** In one word for tables, and further ones where attention or precision are not the usual ones: `webgpu plain`. */
export function executionCode({ provider, attention, precision }: Execution): string {
	const unusual = [attention, precision].filter(
		(word, i) => word !== [ON_CPU.attention, ON_CPU.precision][i],
	);
	return [provider, ...unusual].join(' ');
}

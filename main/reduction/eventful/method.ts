/** What one block of a backbone updates; see Eventful Transformers (Dutson et al., ICCV 2023), section 4. */
export type BlockMethod = {
	/**
	 * What decides which tokens are computed: nothing (all of them, in every frame), gates that compare with what each token
	 * was last computed from, or, as in STGT, gates that compare with the frame before.
	 */
	gates: 'none' | 'token' | 'frame';
	/** The gates before the projections of attention and MLP see tokens before their layer norm rather than after it. */
	gateBeforeNorm: boolean;
	/**
	 * How the two products of attention, queries · keysᵀ and weights · values, are computed in blocks without windows.
	 * - `whole`: both in full in every frame.
	 * - `query-key`: rows and columns of the first are updated; the second is computed in full.
	 * - `delta`: as published (section 4.3); only attention weights of changed keys are updated in the second product.
	 * - `exact`: Sparsight's own; updates by differences that equal `whole`. A changed key replaces its own terms in the sums
	 *   of exponentials and of weighted values, which are normalized afterwards.
	 */
	product: 'whole' | 'query-key' | 'delta' | 'exact';
	/** The format that the second product and its remembered factors are rounded to. */
	precision: Precision;
};

/** Formats of numbers. */
export type Precision = 'float32' | 'float16' | 'bfloat16';

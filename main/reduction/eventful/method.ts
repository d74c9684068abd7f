/** How one block of a backbone works over time; see Eventful Transformers (Dutson et al., ICCV 2023), section 4. */
export type BlockMethod = {
	/**
	 * What decides which tokens are computed: nothing (all of them, in every frame), gates that compare with what each token
	 * was last computed from, or, as in STGT, gates that compare with the frame before.
	 */
	gates: 'none' | 'token' | 'frame';
	/** The gates before the projections of attention and MLP see tokens before their layer norm rather than after it. */
	gateBeforeNorm: boolean;
	/**
	 * What becomes of the two products of attention, in blocks without windows.
	 * - `whole`: both anew in every frame.
	 * - `query-key`: rows and columns of the first are updated; the second is made anew.
	 * - `delta`: as published; only the columns of selected keys enter the second product, all others stay as they were.
	 * - `exact`: Sparsight's own; updates by differences that give what `whole` gives. Sums of exponentials and of
	 *   weighted values are kept without their common divisor, so that a changed key touches its own terms only.
	 */
	product: 'whole' | 'query-key' | 'delta' | 'exact';
	/** What the second product, and what is remembered of it, are rounded to. */
	precision: Precision;
};

/** Formats of numbers; all but the first take two bytes. */
export type Precision = 'float32' | 'float16' | 'bfloat16';

/** How boxes are labelled in a picture of some size. */
export type LabelSize = {
	/** CSS pixels. */
	font: number;
	/** Height of a label, CSS pixels. */
	line: number;
	/** `whole`: number, class and score; `short`: number, else class; `number`: that alone, and the colour says the class. */
	form: 'whole' | 'short' | 'number';
};

export const WHOLE_LABELS: LabelSize = { font: 11, line: 16, form: 'whole' };

/** Labels that leave a picture visible which is `width` CSS pixels wide. */
export function labelSize(width: number): LabelSize {
	if (width < 260) return { font: 9, line: 12, form: 'number' };
	if (width < 400) return { font: 10, line: 14, form: 'short' };
	return WHOLE_LABELS;
}

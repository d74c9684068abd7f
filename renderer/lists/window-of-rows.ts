/** Higher elements are cut by browsers. */
const MOST_PIXELS = 8_000_000;
/** Rows above and below those that are seen. */
const OVERSCAN = 4;

/** Which rows of a long list are in the document, and where they lie. */
export type RowWindow = {
	/** Height of what is scrolled, in CSS pixels. */
	height: number;
	/** Rows `[first, end)`. */
	first: number;
	end: number;
	/** Where the first one begins, in CSS pixels from the top. */
	top: number;
};

/**
 * The rows to draw of a list of `count` rows, all `rowHeight` CSS pixels high, that is scrolled to `scrollTop` in a view of
 * `viewHeight`. A list that would be too high for browsers is scrolled in larger steps.
 */
export function windowOfRows(
	count: number,
	rowHeight: number,
	scrollTop: number,
	viewHeight: number,
): RowWindow {
	const whole = count * rowHeight;
	const height = Math.min(whole, MOST_PIXELS);
	const offset = offsetOf(whole, height, scrollTop, viewHeight);
	const first = Math.max(0, Math.floor(offset / rowHeight) - OVERSCAN);
	const end = Math.min(count, Math.ceil((offset + viewHeight) / rowHeight) + OVERSCAN);
	return { height, first, end, top: scrollTop + first * rowHeight - offset };
}

/** Where to scroll to so that a row is seen whole, as near as possible to `scrollTop`. */
export function scrollToRow(
	row: number,
	count: number,
	rowHeight: number,
	scrollTop: number,
	viewHeight: number,
): number {
	const whole = count * rowHeight;
	const height = Math.min(whole, MOST_PIXELS);
	const offset = offsetOf(whole, height, scrollTop, viewHeight);
	const wanted = Math.min(row * rowHeight, Math.max(offset, (row + 1) * rowHeight - viewHeight));
	return wanted === offset ? scrollTop : scrollOf(wanted, whole, height, viewHeight);
}

/** The row at the top of the view, and how many pixels of it lie above. */
export type TopRow = { row: number; above: number };

export function topRow(count: number, rowHeight: number, scrollTop: number, viewHeight: number): TopRow {
	const whole = count * rowHeight;
	const offset = offsetOf(whole, Math.min(whole, MOST_PIXELS), scrollTop, viewHeight);
	const row = Math.floor(offset / rowHeight);
	return { row, above: offset - row * rowHeight };
}

/** Where to scroll to so that a row lies at the top of the view, as far as the list goes. */
export function scrollToTop(
	{ row, above }: TopRow,
	count: number,
	rowHeight: number,
	viewHeight: number,
): number {
	const whole = count * rowHeight;
	const wanted = Math.max(0, Math.min(row * rowHeight + above, whole - viewHeight));
	return scrollOf(wanted, whole, Math.min(whole, MOST_PIXELS), viewHeight);
}

/** The pixel of the whole list that lies at the top of the view. */
function offsetOf(whole: number, height: number, scrollTop: number, viewHeight: number): number {
	if (whole === height) return Math.max(0, Math.min(scrollTop, whole - viewHeight));
	const share = Math.max(0, Math.min(1, scrollTop / Math.max(1, height - viewHeight)));
	return share * (whole - viewHeight);
}

/** The other way round. */
function scrollOf(offset: number, whole: number, height: number, viewHeight: number): number {
	if (whole === height) return offset;
	return (offset / Math.max(1, whole - viewHeight)) * (height - viewHeight);
}

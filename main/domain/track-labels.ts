/**
 * What is split off the object n has the number n + 1,000,000, the next part n + 2,000,000, and so on: the tracker's own numbers,
 * which grow with the run, never meet these, and the last six digits still say whose part it was.
 */
export const PART_STEP = 1_000_000;

/** The names that a person gave to objects, by their identities. */
export type TrackNames = ReadonlyMap<number, string>;

/** As boxes and lists show it: 12, and 12b, 12c ... for parts that were split off. */
export function identityLabel(identity: number): string {
	const part = Math.floor(identity / PART_STEP);
	if (part === 0) return String(identity);
	const letter = part < 26 ? String.fromCharCode('a'.charCodeAt(0) + part) : `.${part + 1}`;
	return `${identity % PART_STEP}${letter}`;
}

/** The identity that is shown as 12, #12, 12b or 12.27, or is the number itself; null for other texts. */
export function identityOf(label: string): number | null {
	const match = /^#?([1-9]\d{0,8})(?:([b-z])|\.([1-9]\d{0,2}))?$/.exec(label.trim());
	if (!match) return null;
	const [, whose, letter, count] = match;
	const part = letter ? letter.charCodeAt(0) - 'a'.charCodeAt(0) : count ? Number(count) - 1 : 0;
	if (part > 0 && Number(whose) >= PART_STEP) return null;
	return Number(whose) + part * PART_STEP;
}

/** An object's name, or its number as #12b; empty for nobody. */
export function objectLabel(identity: number, names: TrackNames): string {
	if (identity <= 0) return '';
	return names.get(identity) ?? `#${identityLabel(identity)}`;
}

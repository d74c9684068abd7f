import { objectLabel, type TrackNames } from '../../main/domain/track-labels.ts';
import type { RunTracks } from '../../main/tracking/run-tracks.ts';

export type TrackWish = {
	/** Part of a name or class, or a number; `#12` is that one and its parts. */
	text: string;
	/** Null = all. */
	classIndex: number | null;
};

/** The tracks that are looked for: indices into the columns of `tracks`, in their order. `words` are the names of classes. */
export function findTracks(
	{ identities, classIndices }: RunTracks,
	names: TrackNames,
	words: readonly string[],
	{ text, classIndex }: TrackWish,
): Int32Array {
	const wanted = text.trim().toLowerCase();
	const whole = Int32Array.from(identities.keys());
	if (wanted === '' && classIndex === null) return whole;
	const numbered = (label: string) => /^[0-9]/.test(label.slice(wanted.length));
	return whole.filter((i) => {
		if (classIndex !== null && classIndices[i] !== classIndex) return false;
		if (wanted === '') return true;
		const identity = identities[i]!;
		const number = objectLabel(identity, NO_NAMES);
		if (wanted.startsWith('#')) return number.startsWith(wanted) && !numbered(number);
		const word = words[classIndices[i]!] ?? '';
		return `${number} ${names.get(identity) ?? ''} ${word}`.toLowerCase().includes(wanted);
	});
}

const NO_NAMES: TrackNames = new Map();

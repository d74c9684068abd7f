/** Whole numbers from 0 to below `limit`. */
export type Chance = (limit: number) => number;

/** The same numbers for the same seed (mulberry32). */
export function chanceOf(seed: number): Chance {
	let state = seed | 0;
	return (limit) => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
	};
}

/** One of several. */
export function oneOf<T>(chance: Chance, choices: readonly T[]): T {
	return choices[chance(choices.length)]!;
}

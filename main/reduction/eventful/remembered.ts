import { assert } from '../../domain/errors.ts';
import type { NamedArrays } from '../../domain/named-arrays.ts';

/** Arrays that outlive a frame, by name; restoring a snapshot overwrites them in place. */
export type Remembered = Record<string, Float32Array | Int32Array>;

export function rememberedBytes(arrays: Remembered): number {
	return Object.values(arrays).reduce((sum, { byteLength }) => sum + byteLength, 0);
}

export function saveArrays(arrays: Remembered): NamedArrays {
	return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.slice()]));
}

export function restoreArrays(arrays: Remembered, state: NamedArrays): void {
	for (const [name, array] of Object.entries(arrays)) {
		const saved = state[name];
		assert(saved && saved.length === array.length, `a snapshot holds ${name}`);
		array.set(saved);
	}
}

/** The same arrays with `prefix` before their names. */
export function prefixed(prefix: string, arrays: Remembered): Remembered {
	return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [`${prefix}${name}`, array]));
}

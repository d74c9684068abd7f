import type { NamedArrays } from '../domain/named-arrays.ts';
import type { NetworkOutput } from './host.ts';

/** Copies of a network's answer, for a snapshot, each name behind `prefix`. */
export function saveOutput(prefix: string, output: NetworkOutput): NamedArrays {
	return Object.fromEntries(
		Object.entries(output).map(([name, values]) => [`${prefix}${name}`, values.slice()]),
	);
}

/** The answer that `saveOutput` put into a snapshot under this prefix; null where it holds none. */
export function restoreOutput<Output extends NetworkOutput>(
	prefix: string,
	state: NamedArrays,
): Output | null {
	const entries = Object.entries(state).filter(([name]) => name.startsWith(prefix));
	if (entries.length === 0) return null;
	return Object.fromEntries(
		entries.map(([name, values]) => [name.slice(prefix.length), values.slice()]),
	) as Output;
}

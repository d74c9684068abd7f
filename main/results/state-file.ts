import { join } from 'node:path';
import { z } from 'zod';
import type { NamedArrays } from '../domain/named-arrays.ts';
import { encodeArrays, readArrays } from './array-file.ts';

/** Everything needed to continue after a frame: the engine's state, and which frame that is. */
export type Snapshot = {
	/** Frames that the run held at that moment. */
	framesStored: number;
	lastFrameIndex: number;
	state: NamedArrays;
};

const factsSchema = z.object({ framesStored: z.string(), lastFrameIndex: z.string() });

/** The parts of a snapshot file, in order; the arrays themselves are not copied. */
export function encodeSnapshot({ framesStored, lastFrameIndex, state }: Snapshot): Uint8Array[] {
	return encodeArrays(state, {
		framesStored: String(framesStored),
		lastFrameIndex: String(lastFrameIndex),
	});
}

/** A snapshot's file as it was written, or null where anything about it is missing or damaged. */
export async function readSnapshot(folder: string, name: string): Promise<Snapshot | null> {
	const file = await readArrays(join(folder, name), (facts) => factsSchema.safeParse(facts).data ?? null);
	return (
		file && {
			framesStored: Number(file.facts.framesStored),
			lastFrameIndex: Number(file.facts.lastFrameIndex),
			state: file.arrays,
		}
	);
}

import { firstIndex } from '../domain/first-index.ts';
import { PART_STEP } from '../domain/track-labels.ts';

/**
 * What a person changed of the tracks that were found, in order. Tracks are named by the identities that they have after the
 * edits before.
 */
export type TrackEdit =
	| /** From this frame on it is another one. */ { kind: 'split'; track: number; frame: number }
	  /** They are one, and have the identity of the first of these. */
	| { kind: 'join'; tracks: readonly number[] }
	| { kind: 'rename'; track: number; name: string }
	/** It is nobody: its boxes stay, without a number. */
	| { kind: 'hide'; track: number };

/** A stretch of frames, `from` included and `to` not, of what the tracker took for one object. */
export type Part = { found: number; from: number; to: number };

/** A list of edits, made ready for looking identities up. What it does to a frame does not depend on how long the run is. */
export class EditedIdentities {
	/** By what the tracker took for one, its parts in frame order; without those that nothing was done to. */
	readonly #parts = new Map<number, { from: number; to: number; identity: number }[]>();
	readonly #names = new Map<number, string>();
	readonly #splits = new Map<number, number>();

	constructor(edits: readonly TrackEdit[] = []) {
		for (const edit of edits) this.apply(edit);
	}

	/** Whether there is none. */
	get isEmpty(): boolean {
		return this.#parts.size === 0 && this.#names.size === 0;
	}

	/** The names that a person gave. */
	get names(): [identity: number, name: string][] {
		return [...this.#names].filter(([, name]) => name !== '');
	}

	/** Empty without one. */
	nameOf(identity: number): string {
		return this.#names.get(identity) ?? '';
	}

	/** Who the tracker's `found` is in a frame; 0 for nobody. */
	at(found: number, frame: number): number {
		const parts = this.#parts.get(found);
		return parts ? parts.find(({ to }) => frame < to)!.identity : found;
	}

	/** The parts of `found`, in frame order, with who they are. */
	partsOfFound(found: number): readonly { from: number; to: number; identity: number }[] {
		return this.#parts.get(found) ?? [{ from: 0, to: Infinity, identity: found }];
	}

	/** What an identity is made of; empty for one that the edits took away. */
	partsOf(identity: number): Part[] {
		const isWhole = identity > 0 && identity < PART_STEP && !this.#parts.has(identity);
		const own: Part[] = isWhole ? [{ found: identity, from: 0, to: Infinity }] : [];
		for (const [found, parts] of this.#parts) {
			for (const part of parts)
				if (part.identity === identity) own.push({ found, from: part.from, to: part.to });
		}
		return own;
	}

	/** Does not check whether the edit makes sense; see `checkEdit`. */
	apply(edit: TrackEdit): void {
		switch (edit.kind) {
			case 'split':
				return this.#split(edit.track, edit.frame);
			case 'join':
				return this.#join(edit.tracks[0]!, edit.tracks.slice(1));
			case 'rename':
				this.#names.set(edit.track, edit.name);
				return;
			case 'hide':
				this.#rename(edit.track, 0);
				this.#names.delete(edit.track);
		}
	}

	#split(identity: number, frame: number): void {
		const whose = identity % PART_STEP;
		const count = (this.#splits.get(whose) ?? 0) + 1;
		this.#splits.set(whose, count);
		const after = whose + count * PART_STEP;
		for (const { found } of this.partsOf(identity)) {
			const parts = this.partsOfFound(found).flatMap((part) => {
				if (part.identity !== identity || part.to <= frame) return [part];
				if (part.from >= frame) return [{ ...part, identity: after }];
				return [
					{ ...part, to: frame },
					{ from: frame, to: part.to, identity: after },
				];
			});
			this.#parts.set(found, parts);
		}
	}

	#join(identity: number, others: readonly number[]): void {
		for (const other of others) {
			const name = this.nameOf(other);
			if (this.nameOf(identity) === '' && name !== '') this.#names.set(identity, name);
			this.#names.delete(other);
			this.#rename(other, identity);
		}
	}

	#rename(identity: number, to: number): void {
		for (const { found } of this.partsOf(identity)) {
			const parts = this.partsOfFound(found);
			this.#parts.set(
				found,
				parts.map((part) => (part.identity === identity ? { ...part, identity: to } : part)),
			);
		}
	}
}

/** The first position whose frame is `frame` or a later one; `frames` ascend. */
export function positionOf(frames: Int32Array, frame: number): number {
	return firstIndex(frames.length, (i) => frames[i]! >= frame);
}

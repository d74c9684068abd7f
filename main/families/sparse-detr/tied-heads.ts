import type { WeightLookup } from '../../graph/layers.ts';
import type { Weights } from '../../weights/safetensors.ts';
import type { SparseDetrConfig } from './config.ts';
import { askForHeads, type HeadKind } from './tensors.ts';

/** What stands before the heads that the decoder has, for emitters and in files. */
const [FOR_EMITTERS, IN_FILES] = ['transformer.decoder.', 'model.decoder.'] as const;
const HEAD = /^(transformer\.decoder\.)?((?:class|bbox)_embed)\.(\d+)\.(.+)$/;

/**
 * The heads of a Deformable DETR in a Hugging Face file, which holds tied tensors once. With refinement the decoder has box
 * heads of its own, tied to those outside it; with two stages class heads as well, and one more pair that proposes queries.
 * Heads of a kind that the decoder does not have are tied to each other, one for all layers. Tied tensors that a file holds
 * apart stay apart.
 */
export class TiedHeads {
	readonly #weights: Weights;
	readonly #config: Pick<SparseDetrConfig, 'decoderLayers' | 'refines' | 'twoStage' | 'dim' | 'classes'>;
	/** Whether anything is tied; otherwise the file must hold every tensor. */
	readonly #tied: boolean;

	constructor(
		config: Pick<SparseDetrConfig, 'decoderLayers' | 'refines' | 'twoStage' | 'dim' | 'classes'>,
		weights: Weights,
		tied: boolean,
	) {
		this.#config = config;
		this.#weights = weights;
		this.#tied = tied;
	}

	get #count(): number {
		return this.#config.decoderLayers + (this.#config.twoStage ? 1 : 0);
	}

	#decoderHas(kind: string): boolean {
		return kind === 'bbox_embed' ? this.#config.refines : this.#config.twoStage !== null;
	}

	/** The file's name of a head's tensor, given the emitter's; null of a tensor that is no head's. */
	fileName(name: string): string | null {
		const [, inside, kind, index, part] = HEAD.exec(name) ?? [];
		if (kind === undefined) return null;
		const outer = (i: number | string) => `${kind}.${i}.${part}`;
		const inner = `${IN_FILES}${outer(index!)}`;
		const own = inside ? inner : outer(index!);
		if (!this.#tied) return own;
		const same = this.#decoderHas(kind)
			? [inner, outer(index!)]
			: Array.from({ length: this.#count }, (_, i) => outer(i));
		return [own, ...same].find((candidate) => this.#weights.has(candidate)) ?? same[0]!;
	}

	/** Whether the decoder's heads differ from those outside it. */
	get differ(): boolean {
		if (!this.#config.refines) return false;
		if (!this.#tied) return true;
		return [...this.#weights].some(([name, tensor]) => {
			const outer = name.startsWith(IN_FILES) ? this.#weights.get(name.slice(IN_FILES.length)) : undefined;
			if (outer === undefined) return false;
			const { data } = outer;
			return tensor.data.some((value, i) => value !== data[i]);
		});
	}

	/** Asks for all heads under the emitter's names. */
	ask(lookup: WeightLookup): void {
		const kinds: readonly HeadKind[] = ['class_embed', 'bbox_embed'];
		const inside = kinds.filter((kind) => this.#decoderHas(kind));
		askForHeads(this.#config, lookup, '', this.#count, kinds);
		askForHeads(this.#config, lookup, FOR_EMITTERS, this.#count, inside);
	}
}

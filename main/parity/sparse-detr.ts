import { z } from 'zod';
import { rankQueries } from '../boxes/ranked-queries.ts';
import { attentionMap } from '../families/sparse-detr/attention-map.ts';
import { readConfig, type SparseDetrConfig } from '../families/sparse-detr/config.ts';
import { compileSparseDetr } from '../families/sparse-detr/graph.ts';
import {
	keepCounts,
	type PictureBatch,
	type Pyramid,
	tokenProposals,
} from '../families/sparse-detr/pyramid.ts';
import { UserFacingError } from '../domain/errors.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import type { GraphTensor } from '../runtime/runtime.ts';
import { requireTensors } from '../weights/weights.ts';
import { Findings } from './findings.ts';
import type { ParitySystem } from './parity-system.ts';
import { batchesSchema, casePart, caseTensor, type ParityCase } from './parity-case.ts';
import { sparseDetrPart } from './sparse-detr-parts.ts';
import { runOnce } from '../runtime/loaded-graph.ts';
import { int64 } from '../runtime/tensors.ts';

/** Among the authors' own settings. */
const configSchema = z.looseObject({ rho: z.number(), inputs: batchesSchema });
type CaseConfig = z.infer<typeof configSchema>;

/** Cases of whole networks; those of parts alone are told by their tensors. */
export const sparseDetr: ParitySystem = async (given) => {
	const part = sparseDetrPart(given);
	if (part) return part(given);
	const findings = new Findings(given);
	const config = casePart(given, 'config', configSchema);
	for (const key of Object.keys(config.inputs))
		await new WholeNetwork(given, findings, config, key).compare();
	return findings.finish();
};

/** One input of a case: its tensors are called `key`.name. */
class WholeNetwork {
	readonly #case: ParityCase;
	readonly #findings: Findings;
	readonly #key: string;
	readonly #config: SparseDetrConfig;
	readonly #rho: number;
	/** Height and width of each picture. */
	readonly #sizes: readonly (readonly [number, number])[];

	constructor(given: ParityCase, findings: Findings, config: CaseConfig, key: string) {
		this.#case = given;
		this.#findings = findings;
		this.#key = key;
		this.#config = readConfig(given.weights, config, given.folder);
		this.#rho = config.rho;
		this.#sizes = config.inputs[key]!.images_hw;
	}

	async compare(): Promise<void> {
		const picture = this.#tensor('input');
		this.#input('input');
		const pictures = this.#pictures(picture.shape);
		const selects = this.#rho > 0;
		const taps = this.#taps();
		const lookup = requireTensors(this.#case.weights, this.#case.folder);
		const { graph, pyramid } = compileSparseDetr(this.#config, lookup, pictures, { selects, taps });
		const kept = keepCounts(pyramid, this.#rho);
		const feeds: Record<string, GraphTensor> = {
			picture: { type: 'float32', data: picture.data, shape: picture.shape },
		};
		if (selects) feeds['keep'] = int64(kept.rows);
		if (selects && pyramid.batch > 1) feeds['own'] = ownRows(kept.each, kept.rows);

		const results = [
			'logits',
			'boxes',
			'samples.x',
			'samples.y',
			'samples.weight',
			...(selects ? ['kept', 'scores'] : []),
		];
		const outputs = await runOnce(createRuntime(1), graph, feeds, [...results, ...taps]);
		const numbers = (name: string): number[] =>
			Array.from(outputs[name]!.data as ArrayLike<number | bigint>, Number);
		this.#comparePyramid(pyramid);
		if (selects) this.#compareSelection(pyramid, kept, numbers);
		this.#compareEncoder(pyramid, selects ? kept : null, numbers);
		this.#compareDecoder(pyramid, numbers);
	}

	/** Which intermediate values the case wants to see, by our names. */
	#taps(): Set<string> {
		const { encoderLayers, decoderLayers } = this.#config;
		const samples = (name: string) => ['x', 'y', 'weight'].map((part) => `${name}.samples.${part}`);
		const perLayer: [name: string, layers: number, taps: (i: number) => string[]][] = [
			['enc.sampling_locations', encoderLayers, (i) => samples(`enc.${i}`)],
			['enc.attn_weights', encoderLayers, (i) => samples(`enc.${i}`)],
			['dec.hs', decoderLayers, (i) => [`dec.${i}.hs`]],
			['dec.inter_references', decoderLayers, (i) => [`dec.${i}.reference`]],
			['all_logits', decoderLayers, (i) => [`dec.${i}.logits`]],
			['all_boxes', decoderLayers, (i) => [`dec.${i}.boxes`]],
		];
		const names = perLayer.flatMap(([name, layers, taps]) =>
			this.#has(name) ? Array.from({ length: layers }, (_, i) => taps(i)).flat() : [],
		);
		const same =
			/^(backbone\.\d+|src_flatten|lvl_pos_embed_flatten|enc\.\d+\.memory|memory|token\.(memory|score_raw)|prop\.(output_memory|logits|boxes|topk_inds|pos_embed)|dec\.(tgt|query_pos))$/;
		const own = [...this.#case.tensors.keys()]
			.filter((name) => name.startsWith(`${this.#key}.`))
			.map((name) => name.slice(this.#key.length + 1));
		return new Set([...names, ...own.filter((name) => same.test(name))]);
	}

	/** Padding is given as a mask, or by the sizes of the pictures alone. */
	#pictures(shape: readonly number[]): PictureBatch {
		const [batch, , height, width] = shape as [number, number, number, number];
		const sizes = this.#sizes;
		if (sizes.length !== batch) {
			throw new UserFacingError(
				'file-unreadable',
				`${this.#case.folder}/case.json: config.inputs.${this.#key}.images_hw must have a size for each of ${batch} pictures (got ${sizes.length}).`,
			);
		}
		const padding = Uint8Array.from({ length: batch * height * width }, (_, i) => {
			const [rows, cols] = sizes[Math.floor(i / (height * width))]!;
			return Math.floor(i / width) % height >= rows || i % width >= cols ? 1 : 0;
		});
		if (this.#has('input_mask')) this.#equal('input_mask', padding);
		return { batch, height, width, padding: padding.includes(1) ? padding : null };
	}

	#comparePyramid(pyramid: Pyramid): void {
		const { levels, padding, validRatios, realTokens } = pyramid;
		if (this.#has('spatial_shapes'))
			this.#equal(
				'spatial_shapes',
				levels.flatMap(({ rows, cols }) => [rows, cols]),
			);
		if (this.#has('mask_flatten')) this.#equal('mask_flatten', padding);
		this.#close('valid_ratios', validRatios);
		if (this.#has('token.valid_token_nums')) this.#equal('token.valid_token_nums', realTokens);
		this.#close('prop.output_proposals', tokenProposals(pyramid).logits);
	}

	#compareSelection(
		pyramid: Pyramid,
		kept: { each: number[]; rows: number },
		numbers: (name: string) => number[],
	): void {
		this.#close('token.score', numbers('scores'));
		if (this.#has('token.keep_nums')) this.#equal('token.keep_nums', kept.each);
		if (!this.#has('token.topk_inds')) return;
		// Behind a picture's real tokens, padded ones follow in any order: they are equal.
		const orderly = (indices: ArrayLike<number>) =>
			Array.from(indices, (token, i) => {
				const n = Math.floor(i / kept.rows);
				return pyramid.padding[n * pyramid.tokens + token] ? -1 : token;
			});
		this.#input('token.topk_inds');
		const expected = orderly(this.#tensor('token.topk_inds').data);
		this.#findings.equalTo(`${this.#key}.token.topk_inds`, orderly(numbers('kept')), expected);
	}

	#compareEncoder(
		pyramid: Pyramid,
		kept: { each: number[] } | null,
		numbers: (name: string) => number[],
	): void {
		for (const tap of this.#taps()) {
			if (/^((enc\.\d+\.)?memory|lvl_pos_embed_flatten)$/.test(tap))
				this.#compareTokens(tap, pyramid, kept, numbers(tap));
			else if (tap === 'prop.topk_inds') this.#equal(tap, numbers(tap));
			else if (this.#has(tap)) this.#close(tap, numbers(tap));
		}
		const layers = Array.from({ length: this.#config.encoderLayers }, (_, i) => `enc.${i}.samples.`);
		const part = (name: string) =>
			byPicture(
				layers.map((layer) => numbers(`${layer}${name}`)),
				pyramid.batch,
			);
		const rows = kept ? numbers('kept') : null;
		if (this.#has('enc.sampling_locations'))
			this.#compareSamples('enc.sampling_locations', pyramid, rows, zip(part('x'), part('y')));
		if (this.#has('enc.attn_weights'))
			this.#compareSamples('enc.attn_weights', pyramid, rows, part('weight'));
	}

	/** Where a picture keeps more tokens than it has, which padded ones it updates is open, and nothing depends on it. */
	#compareTokens(name: string, pyramid: Pyramid, kept: { each: number[] } | null, tokens: number[]): void {
		const open = kept?.each.some((count, n) => count > pyramid.realTokens[n]!) ?? false;
		const compared = (rows: ArrayLike<number>) =>
			open || this.#positionsAreLoose
				? Array.from(rows).filter((_, i) => pyramid.padding[Math.floor(i / this.#config.dim)] === 0)
				: rows;
		this.#compareSome(name, tokens, compared);
	}

	/** As with tokens, of the rows [batch, layers, rows, …] of kept tokens, or of all where `kept` is null. */
	#compareSamples(name: string, pyramid: Pyramid, kept: number[] | null, samples: number[]): void {
		const { batch, tokens, padding } = pyramid;
		const rows = kept ? kept.length / batch : tokens;
		const size = samples.length / (batch * this.#config.encoderLayers * rows);
		const isOpen = (i: number) => {
			const row = Math.floor(i / size) % rows;
			const n = Math.floor(i / (size * rows * this.#config.encoderLayers));
			return padding[n * tokens + (kept ? kept[n * rows + row]! : row)] !== 0;
		};
		const compared = (values: ArrayLike<number>) =>
			kept || this.#positionsAreLoose ? Array.from(values).filter((_, i) => !isOpen(i)) : values;
		this.#compareSome(name, samples, compared);
	}

	/**
	 * Where a whole line is padding, positions are sines of millions: one float more or less in a power of the temperature
	 * changes them. Powers come out the same everywhere only at widths that are powers of two.
	 */
	get #positionsAreLoose(): boolean {
		return !Number.isInteger(Math.log2(this.#config.dim));
	}

	/** Compares what `compared` leaves of the case's numbers and of ours. */
	#compareSome(
		name: string,
		actual: number[],
		compared: (values: ArrayLike<number>) => ArrayLike<number>,
	): void {
		const expected = this.#tensor(name).data;
		this.#input(name);
		if (actual.length !== expected.length) return this.#close(name, actual);
		this.#findings.closeTo(`${this.#key}.${name}`, compared(actual), compared(expected));
	}

	#compareDecoder(pyramid: Pyramid, numbers: (name: string) => number[]): void {
		const { batch, levels } = pyramid;
		const layers = Array.from({ length: this.#config.decoderLayers }, (_, i) => i);
		const allLayers = (part: string) => layers.flatMap((i) => numbers(`dec.${i}.${part}`));
		const perLayer: [name: string, part: string][] = [
			['dec.hs', 'hs'],
			['dec.inter_references', 'reference'],
			['all_logits', 'logits'],
			['all_boxes', 'boxes'],
		];
		for (const [name, part] of perLayer) if (this.#has(name)) this.#close(name, allLayers(part));
		this.#close('pred_logits', numbers('logits'));
		this.#close('pred_boxes', numbers('boxes'));

		const samples = (part: string) => byPicture(chunks(numbers(`samples.${part}`), layers.length), batch);
		const [x, y, weight] = [samples('x'), samples('y'), samples('weight')];
		this.#close('dec.sampling_locations', zip(x, y));
		this.#close('dec.attn_weights', weight);
		if (this.#has('dam.sum')) {
			const [xs, ys, weights] = [chunks(x, batch), chunks(y, batch), chunks(weight, batch)];
			const maps = xs.flatMap((_, n) => [
				...attentionMap({ x: xs[n]!, y: ys[n]!, weight: weights[n]! }, levels, this.#config.decoderPoints),
			]);
			this.#close('dam.sum', maps);
		}
		this.#compareDetections(chunks(numbers('logits'), batch), chunks(numbers('boxes'), batch));
	}

	#compareDetections(logits: number[][], boxes: number[][]): void {
		this.#input('target_sizes');
		if (!this.#has('post.scores')) return;
		const sizes = this.#tensor('target_sizes').data; // height, width of each picture
		const count = this.#tensor('post.scores').shape[1]!;
		const ranked = logits.map((one, n) =>
			rankQueries(
				{ logits: Float32Array.from(one), boxes: Float32Array.from(boxes[n]!) },
				{ height: sizes[2 * n]!, width: sizes[2 * n + 1]! },
				{ scores: 'sigmoid', most: count },
			),
		);
		this.#close(
			'post.scores',
			ranked.flatMap(({ scores }) => [...scores]),
		);
		this.#equal(
			'post.labels',
			ranked.flatMap(({ labels }) => [...labels]),
		);
		this.#close(
			'post.boxes',
			ranked.flatMap(({ boxesXyxy }) => [...boxesXyxy]),
		);
	}

	#has(name: string): boolean {
		return this.#case.tensors.has(`${this.#key}.${name}`);
	}

	#tensor(name: string) {
		return caseTensor(this.#case, `${this.#key}.${name}`);
	}

	#input(name: string): void {
		this.#findings.input(`${this.#key}.${name}`);
	}

	/** Where the case has it. */
	#close(name: string, actual: ArrayLike<number>): void {
		if (this.#has(name)) this.#findings.close(`${this.#key}.${name}`, actual);
	}

	#equal(name: string, actual: ArrayLike<number>): void {
		this.#findings.equal(`${this.#key}.${name}`, actual);
	}
}

/** Which rows of a batch are a picture's own. */
function ownRows(each: readonly number[], rows: number): GraphTensor {
	const data = Int32Array.from({ length: each.length * rows }, (_, i) =>
		i % rows < each[Math.floor(i / rows)]! ? 1 : 0,
	);
	return { type: 'int32', data, shape: [each.length, rows] };
}

function chunks(numbers: readonly number[], count: number): number[][] {
	const size = numbers.length / count;
	return Array.from({ length: count }, (_, i) => numbers.slice(i * size, (i + 1) * size));
}

/** [layers][batch · …] -> [batch, layers, …] */
function byPicture(layers: readonly number[][], batch: number): number[] {
	const perLayer = layers.map((layer) => chunks(layer, batch));
	return Array.from({ length: batch }, (_, n) => perLayer.flatMap((pictures) => pictures[n]!)).flat();
}

/** x, y, x, y, … */
function zip(x: readonly number[], y: readonly number[]): number[] {
	return x.flatMap((value, i) => [value, y[i]!]);
}

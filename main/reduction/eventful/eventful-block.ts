import type { CompiledGraph } from '../../graph/graph-builder.ts';
import { LoadedGraph } from '../../runtime/loaded-graph.ts';
import type { GraphRuntime, GraphTensor } from '../../runtime/runtime.ts';
import { float32 } from '../../runtime/tensors.ts';
import { attentionSizes, gridPositions } from './attention-sizes.ts';
import type { BlockAttention, Projected } from './block-attention.ts';
import { type BlockSource, compileMlp, compileProjection, compileProjections } from './block-graphs.ts';
import { type BlockWork, countBlock, type OperationCounts } from './counts.ts';
import type { GateMemory } from './gate-memory.ts';
import type { BlockMethod } from './method.ts';
import { IncrementalAttention } from './incremental-attention.ts';
import type { GatePolicy } from './policy.ts';
import { prefixed, type Remembered } from './remembered.ts';
import type { SharedGraphs } from './shared-graphs.ts';
import { type GateNorm, TokenGate } from './token-gate.ts';
import { WholeAttention } from './whole-attention.ts';

type Graphs = { qkv: LoadedGraph; projection: LoadedGraph; mlp: LoadedGraph };
type Gates = { qkv: TokenGate; projection: TokenGate; mlp: TokenGate };

/**
 * A block over time: three gates, each before a token-wise operation and followed by a buffer of the operation's latest
 * output for all tokens (Eventful Transformers, section 4.2, figure 3). Residual connections add the whole current stream
 * and the whole buffers.
 */
export class EventfulBlock {
	readonly gates: Gates;
	readonly attention: BlockAttention;
	readonly method: BlockMethod;
	/** Address of the MLP's buffer [tokens, dim], which the caller adds to the stream. */
	readonly added: number;
	readonly #source: BlockSource;
	readonly #memory: GateMemory;
	readonly #graphs: Graphs;
	/** `queries`: numbers in the queries of a token, all heads. */
	readonly #sizes: { tokens: number; dim: number; queries: number };
	/** Address of the projection's buffer [tokens, dim]. */
	readonly #projected: number;
	readonly #norms: { norm1: GateNorm; norm2: GateNorm };
	/** Rows and columns of tokens, for relative positions. */
	readonly #gridPositions: { rows: Int32Array; cols: Int32Array };
	/** Scratch array for the positions of selected tokens, for rotary ones. */
	readonly #positions: BigInt64Array;

	private constructor(
		source: BlockSource,
		method: BlockMethod,
		memory: GateMemory,
		graphs: Graphs,
		attention: BlockAttention,
	) {
		const { tokens, dim, heads, extended } = attentionSizes(source);
		this.method = method;
		this.attention = attention;
		this.#source = source;
		this.#memory = memory;
		this.#graphs = graphs;
		this.#sizes = { tokens, dim, queries: heads * extended };
		this.#projected = memory.reserve(tokens * dim);
		this.added = memory.reserve(tokens * dim);
		const epsilon = source.plan.normEpsilon;
		const norm = () => ({ gamma: memory.reserve(dim), beta: memory.reserve(dim), epsilon });
		this.#norms = { norm1: norm(), norm2: norm() };
		const gate = (through: GateNorm | null) =>
			new TokenGate(memory, { tokens, dim }, { norm: through, everyFrame: method.gates === 'frame' });
		const before = method.gateBeforeNorm;
		this.gates = {
			qkv: gate(before ? null : this.#norms.norm1),
			projection: gate(null),
			mlp: gate(before ? null : this.#norms.norm2),
		};
		this.#gridPositions = gridPositions(source);
		this.#positions = new BigInt64Array(tokens);
	}

	static async load(
		source: BlockSource,
		method: BlockMethod,
		memory: GateMemory,
		runtime: GraphRuntime,
		shared: SharedGraphs,
	) {
		const load = (graph: CompiledGraph) => LoadedGraph.load(runtime, graph);
		const norm = method.gateBeforeNorm;
		const graphs = {
			qkv: await load(compileProjections(source, norm)),
			projection: await load(compileProjection(source)),
			mlp: await load(compileMlp(source, norm)),
		};
		const { product, precision } = method;
		const attention =
			product === 'delta' || product === 'exact'
				? await IncrementalAttention.load(source, memory, shared, { product, precision })
				: await WholeAttention.load(source, memory, shared, precision);
		return new EventfulBlock(source, method, memory, graphs, attention);
	}

	/** Called once the memory has been made. */
	prepare(): void {
		const { plan, block, weights } = this.#source;
		const { dim } = this.#sizes;
		for (const name of ['norm1', 'norm2'] as const) {
			const weight = (part: string) => weights(`${block.name}.${plan.layerNames[name]}.${part}`, [dim]).data;
			this.#memory.array(this.#norms[name].gamma, dim).data.set(weight('weight'));
			this.#memory.array(this.#norms[name].beta, dim).data.set(weight('bias'));
		}
		this.attention.prepare();
	}

	/**
	 * Runs the block on the stream at address `x` [tokens, dim], to which `added` (0: nothing) is added first. Without `policy`
	 * everything is computed. The block's last residual, `this.added`, is left to the caller to add.
	 */
	async run(x: number, added: number, policy: GatePolicy | null): Promise<OperationCounts> {
		const asked = this.method.gates === 'none' ? null : policy;
		const { qkv, projection, mlp } = this.gates;

		const projected = await this.#project(qkv.select(added ? { x, added, out: x } : { x }, asked));
		await this.attention.update(projected);

		const attended = projection.select(this.attention.output, asked);
		await this.#updateBuffer(this.#graphs.projection, attended, projection, this.#projected);

		const forMlp = mlp.select({ x, added: this.#projected, out: x }, asked);
		await this.#updateBuffer(this.#graphs.mlp, forMlp, mlp, this.added);

		const work: BlockWork = asked && {
			qkv: qkv.count,
			projection: projection.count,
			mlp: mlp.count,
			keys: this.attention.changedKeys.length,
		};
		return countBlock(this.#source.plan, this.#source.block, this.method, work);
	}

	/** Arrays that outlive a frame. */
	remembered(): Remembered {
		const { tokens, dim } = this.#sizes;
		const { qkv, projection, mlp } = this.gates;
		return {
			'qkv.reference': qkv.reference.data,
			'projection.reference': projection.reference.data,
			'mlp.reference': mlp.reference.data,
			'projection.buffer': this.#memory.array(this.#projected, tokens * dim).data,
			'mlp.buffer': this.#memory.array(this.added, tokens * dim).data,
			...prefixed('attention.', this.attention.remembered()),
		};
	}

	async release(): Promise<void> {
		for (const graph of Object.values(this.#graphs)) await graph.release();
	}

	/** Queries, keys and values of the rows [count, dim] that the first gate selected. */
	async #project(rows: Float32Array): Promise<Projected> {
		const { indices, count, isOpen: first } = this.gates.qkv;
		const { plan, block } = this.#source;
		const { dim, queries: wide } = this.#sizes;
		const base = this.#memory.projected.at;
		const part = (from: number, width: number) => this.#memory.array(base + 4 * count * from, count * width);
		const projected = {
			indices,
			count,
			first,
			queries: part(0, wide),
			keys: part(wide, dim),
			values: part(wide + dim, dim),
		};
		if (count === 0) return projected;
		const feeds: Record<string, GraphTensor> = { x: float32(rows, [count, this.#sizes.dim]) };
		const selected = indices.subarray(0, count);
		if (block.relative) {
			const selectedOf = (of: Int32Array): GraphTensor => ({
				type: 'int32',
				data: selected.map((token) => of[token]!),
				shape: [count],
			});
			feeds['row'] = selectedOf(this.#gridPositions.rows);
			feeds['col'] = selectedOf(this.#gridPositions.cols);
		}
		if (plan.rotary) {
			selected.forEach((token, i) => (this.#positions[i] = BigInt(token)));
			feeds['positions'] = { type: 'int64', data: this.#positions.subarray(0, count), shape: [1, count] };
		}
		await this.#graphs.qkv.run(feeds, [], {
			queries: float32(projected.queries.data, [count, wide]),
			keys: float32(projected.keys.data, [count, dim]),
			values: float32(projected.values.data, [count, dim]),
		});
		return projected;
	}

	/** Runs `graph` on the rows that `gate` selected and writes its output over theirs in `buffer`. */
	async #updateBuffer(
		graph: LoadedGraph,
		rows: Float32Array,
		gate: TokenGate,
		buffer: number,
	): Promise<void> {
		const { count, indices } = gate;
		if (count === 0) return;
		const { tokens, dim } = this.#sizes;
		const { kernel, scratch, packed } = this.#memory;
		const all = count === tokens;
		const fresh = this.#memory.array(all ? buffer : packed.at, count * dim);
		await graph.run({ x: float32(rows, [count, dim]) }, [], { y: float32(fresh.data, [count, dim]) });
		if (all) return;
		scratch.indices.data.set(indices.subarray(0, count));
		kernel.copyRows({
			packed: fresh.at,
			packedRow: dim,
			packedHead: 0,
			sparse: buffer,
			sparseRow: dim,
			sparseHead: 0,
			width: dim,
			heads: 1,
			indices: scratch.indices.at,
			count,
			scatter: true,
		});
	}
}

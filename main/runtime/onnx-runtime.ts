import { InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
import { UserFacingError } from '../domain/errors.ts';
import { type Execution, ON_CPU } from '../domain/execution.ts';
import type { GraphPort, GraphRuntime, GraphSession, GraphTensor, GraphTensors } from './runtime.ts';
import type { TensorStore } from './tensor-store.ts';

/** The execution providers that the installed runtime knows; whether they work, only trying tells. */
export function supportedProviders(): string[] {
	return listSupportedBackends().map(({ name }) => name);
}

/**
 * The one door to onnxruntime. `run` blocks its thread for the whole inference, so this is loaded in worker processes and
 * tests only.
 */
export function createRuntime(
	threads: number,
	{ execution = ON_CPU, tensors = null }: { execution?: Execution; tensors?: TensorStore | null } = {},
): GraphRuntime {
	return {
		execution,
		tensors,
		threads,
		async load(modelBytes, name, { tensorFolder } = {}) {
			try {
				const session = await InferenceSession.create(modelBytes, {
					executionProviders: [execution.provider],
					intraOpNumThreads: threads,
					interOpNumThreads: 1,
					executionMode: 'sequential',
					graphOptimizationLevel: 'all',
					logSeverityLevel: 3,
					extra: {
						session: {
							// Else threads of idle sessions spin for the next run, and take the cores from the session that runs.
							force_spinning_stop: '1',
							...(tensorFolder && { model_external_initializers_file_folder_path: tensorFolder }),
						},
					},
				});
				return new OnnxSession(session);
			} catch (cause) {
				throw new UserFacingError('model-unreadable', `The runtime could not load the graph "${name}".`, {
					cause,
				});
			}
		},
	};
}

class OnnxSession implements GraphSession {
	readonly inputs: readonly GraphPort[];
	readonly outputs: readonly GraphPort[];
	readonly #session: InferenceSession;

	constructor(session: InferenceSession) {
		this.inputs = session.inputMetadata.map(portOf);
		this.outputs = session.outputMetadata.map(portOf);
		this.#session = session;
	}

	async run(
		feeds: GraphTensors,
		wanted: readonly string[],
		into: GraphTensors = {},
	): Promise<Record<string, GraphTensor>> {
		const fetches = {
			...Object.fromEntries(wanted.map((name) => [name, null])),
			...mapRecord(into, toOnnx),
		};
		const outputs = await this.#session.run(mapRecord(feeds, toOnnx), fetches);
		// This binding copies out of the caller's buffers as well; those copies are nobody's.
		for (const [name, { data }] of Object.entries(into)) {
			const copy = outputs[name]!.data as Float32Array;
			if (copy.buffer !== data.buffer) giveBack(copy);
		}
		return Object.fromEntries(wanted.map((name) => [name, fromOnnx(outputs[name]!)]));
	}

	async release(): Promise<void> {
		await this.#session.release();
	}
}

/** Frees an array's memory now, where the engine can (not Node 20 without a flag): else the garbage collector has to run for it. */
function giveBack({ buffer }: Float32Array): void {
	const given = buffer as ArrayBuffer & { transfer?(bytes: number): ArrayBuffer };
	given.transfer?.(0);
}

function portOf(port: InferenceSession.ValueMetadata): GraphPort {
	return port.isTensor
		? { name: port.name, type: port.type, shape: port.shape }
		: { name: port.name, type: 'sequence or map', shape: [] };
}

function toOnnx(tensor: GraphTensor): Tensor {
	const given = new Tensor(tensor.type, tensor.data, tensor.shape);
	// Where engines have a Float16Array, as from Node 24 on, the library makes one of the bits, and its binding finds it empty.
	if (tensor.type === 'float16') Object.defineProperty(given, 'data', { value: tensor.data });
	return given;
}

function fromOnnx({ type, data, dims }: Tensor): GraphTensor {
	// Engines that have a Float16Array get halves as one.
	const bits =
		type === 'float16' && !(data instanceof Uint16Array)
			? new Uint16Array((data as Float32Array).buffer, (data as Float32Array).byteOffset, data.length)
			: data;
	return { type, data: bits, shape: dims } as GraphTensor;
}

function mapRecord<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
	return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

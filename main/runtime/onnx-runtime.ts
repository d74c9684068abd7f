import { InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
import { assert, UserFacingError } from '../domain/errors.ts';
import { type Execution, ON_CPU } from '../domain/execution.ts';
import { encodeGraph, GraphBuilder } from '../graph/graph-builder.ts';
import type {
	DeviceMemory,
	DeviceTensor,
	GraphFeeds,
	GraphPort,
	GraphRuntime,
	GraphSession,
	GraphTensor,
} from './runtime.ts';
import { PlacementProfile } from './node-placement.ts';
import type { TensorStore } from './tensor-store.ts';
import { OneAtATime } from '../process/one-at-a-time.ts';

/** The one provider whose memory this binding can hold on to between runs. */
const WITH_MEMORY = 'webgpu';

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
	const options: InferenceSession.SessionOptions = {
		executionProviders: [execution.provider],
		intraOpNumThreads: threads,
		interOpNumThreads: 1,
		executionMode: 'sequential',
		graphOptimizationLevel: 'all',
		logSeverityLevel: 3,
	};
	const leftToCpu = new Map<string, readonly string[]>();
	return {
		execution,
		tensors,
		threads,
		leftToCpu,
		device: execution.provider === WITH_MEMORY ? new OnnxDeviceMemory(options) : null,
		async load(modelBytes, name, { tensorFolder } = {}) {
			try {
				const extra = {
					// Else threads of idle sessions spin for the next run, and take the cores from the session that runs.
					force_spinning_stop: '1',
					...(tensorFolder && { model_external_initializers_file_folder_path: tensorFolder }),
				};
				const { session, profile } = await createSession(modelBytes, options, extra);
				if (profile) leftToCpu.set(name, []);
				return new OnnxSession(
					session,
					execution.provider,
					profile && (async () => void leftToCpu.set(name, await profile.read())),
				);
			} catch (cause) {
				throw new UserFacingError('model-unreadable', `The runtime could not load the graph "${name}".`, {
					cause,
				});
			}
		},
	};
}

/**
 * A session with every node on its provider; where the provider can't take all of them, one that keeps a profile of its first run,
 * which tells the ones that the processor got.
 */
async function createSession(
	modelBytes: Uint8Array,
	options: InferenceSession.SessionOptions,
	session: Record<string, string>,
): Promise<{ session: InferenceSession; profile: PlacementProfile | null }> {
	if (isCpu(options)) {
		return {
			session: await InferenceSession.create(modelBytes, { ...options, extra: { session } }),
			profile: null,
		};
	}
	try {
		const whole = { session: { ...session, disable_cpu_ep_fallback: '1' } };
		const quiet = { ...options, logSeverityLevel: 4 } as const;
		return { session: await InferenceSession.create(modelBytes, { ...quiet, extra: whole }), profile: null };
	} catch (error) {
		if (!(error instanceof Error && error.message.includes('fallback to CPU EP'))) throw error;
	}
	const profile = await PlacementProfile.create();
	const profiled = profile
		? { ...options, enableProfiling: true, profileFilePrefix: profile.prefix }
		: options;
	return { session: await InferenceSession.create(modelBytes, { ...profiled, extra: { session } }), profile };
}

function isCpu({ executionProviders }: InferenceSession.SessionOptions): boolean {
	return executionProviders?.[0] === ON_CPU.provider;
}

/** Runs one thing after another. */
type Turns = <T>(work: () => Promise<T>) => Promise<T>;

/** Two runs at a time crash a process that computes on a device, whichever sessions they are of. */
const onDevices = new OneAtATime();

function inTurn(provider: string): Turns {
	if (provider === ON_CPU.provider) return (work) => work();
	return (work) => onDevices.do(work);
}

class OnnxSession implements GraphSession {
	readonly inputs: readonly GraphPort[];
	readonly outputs: readonly GraphPort[];
	readonly #session: InferenceSession;
	readonly #provider: string;
	readonly #turns: Turns;
	/** Reads the profile of the first run. */
	#readProfile: (() => Promise<void>) | null;

	constructor(session: InferenceSession, provider: string, readProfile: (() => Promise<void>) | null) {
		this.inputs = session.inputMetadata.map(portOf);
		this.outputs = session.outputMetadata.map(portOf);
		this.#session = session;
		this.#provider = provider;
		this.#turns = inTurn(provider);
		this.#readProfile = readProfile;
	}

	async run(
		feeds: GraphFeeds,
		wanted: readonly string[],
		into: GraphFeeds = {},
	): Promise<Record<string, GraphTensor>> {
		const fetches = {
			...Object.fromEntries(wanted.map((name) => [name, null])),
			...mapRecord(into, toOnnx),
		};
		const outputs = await this.#turns(() => this.#session.run(mapRecord(feeds, toOnnx), fetches)).catch(
			(cause: unknown) => this.#fail(cause),
		);
		await this.#endProfile();
		// This binding copies out of the caller's buffers as well; those copies are nobody's.
		for (const [name, tensor] of Object.entries(into)) {
			if ('location' in tensor) continue;
			const copy = outputs[name]!.data as Float32Array;
			if (copy.buffer !== tensor.data.buffer) giveBack(copy);
		}
		return Object.fromEntries(wanted.map((name) => [name, fromOnnx(outputs[name]!)]));
	}

	async release(): Promise<void> {
		await this.#endProfile();
		await this.#turns(() => this.#session.release());
	}

	/** Whatever stops a device in the middle of a graph that it could load: it can't be counted on any more. */
	#fail(cause: unknown): never {
		if (this.#provider === ON_CPU.provider) throw cause;
		const words = cause instanceof Error ? cause.message : String(cause);
		throw new UserFacingError('device-lost', `The execution provider ${this.#provider} failed: ${words}`, {
			cause,
		});
	}

	async #endProfile(): Promise<void> {
		const read = this.#readProfile;
		this.#readProfile = null;
		if (!read) return;
		this.#session.endProfiling();
		await read();
	}
}

/** A tensor of the library that lies on a device. */
class OnnxDeviceTensor implements DeviceTensor {
	readonly location = 'device';
	readonly shape: readonly number[];
	readonly tensor: Tensor;

	constructor(tensor: Tensor) {
		// Sessions that were asked to leave an output on the device do not say so where they could not.
		assert(tensor.location === 'gpu-buffer', `a tensor lies on the device (got ${tensor.location})`);
		this.shape = tensor.dims;
		this.tensor = tensor;
	}

	dispose(): void {
		this.tensor.dispose();
	}
}

/**
 * Graphs that only hand on what they are given bring numbers to a device and back; the binding's own way back ends the process.
 * Their sessions stay until the process ends: a tensor that outlives the session that made it takes the process with it when it
 * is disposed of.
 */
class OnnxDeviceMemory implements DeviceMemory {
	readonly #options: InferenceSession.SessionOptions;
	readonly #turns = inTurn(WITH_MEMORY);
	/** By direction and number of axes. */
	readonly #sessions = new Map<string, Promise<InferenceSession>>();

	constructor(options: InferenceSession.SessionOptions) {
		this.#options = options;
	}

	async upload(data: Float32Array, shape: readonly number[]): Promise<DeviceTensor> {
		const session = await this.#session('up', shape.length);
		const { y } = await this.#turns(() => session.run({ x: new Tensor('float32', data, shape) }));
		return new OnnxDeviceTensor(y!);
	}

	async download(tensor: DeviceTensor): Promise<Float32Array> {
		const session = await this.#session('down', tensor.shape.length);
		const { y } = await this.#turns(() => session.run({ x: toOnnx(tensor) }));
		return y!.data as Float32Array;
	}

	#session(direction: 'up' | 'down', axes: number): Promise<InferenceSession> {
		const key = `${direction} ${axes}`;
		const known = this.#sessions.get(key);
		if (known) return known;
		const graph = new GraphBuilder();
		const x = graph.input(
			'x',
			'float32',
			Array.from({ length: axes }, (_, axis) => `size.${axis}`),
		);
		graph.output('y', graph.op('Identity', [x], { shape: x.shape }));
		const session = InferenceSession.create(encodeGraph(graph.compile(`${direction}load`)), {
			...this.#options,
			...(direction === 'up' && { preferredOutputLocation: 'gpu-buffer' }),
		});
		this.#sessions.set(key, session);
		return session;
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

/** What the library has for the tensors of callers, who may come with the same hundreds of them in every run. */
const given = new WeakMap<GraphTensor, Tensor>();

function toOnnx(tensor: GraphTensor | DeviceTensor): Tensor {
	if ('location' in tensor) {
		assert(tensor instanceof OnnxDeviceTensor, 'a tensor on a device is of this runtime');
		return tensor.tensor;
	}
	const known = given.get(tensor);
	if (known) return known;
	const made = new Tensor(tensor.type, tensor.data, tensor.shape);
	// Where engines have a Float16Array, as from Node 24 on, the library makes one of the bits, and its binding finds it empty.
	if (tensor.type === 'float16') Object.defineProperty(made, 'data', { value: tensor.data });
	given.set(tensor, made);
	return made;
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

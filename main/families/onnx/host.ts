import { freemem } from 'node:os';
import { dirname } from 'node:path';
import type { BoxColumns } from '../../boxes/candidates.ts';
import { UserFacingError } from '../../domain/errors.ts';
import type { TokenGrid } from '../../domain/tokens.ts';
import { type Host, staticHost, type WholeNetwork } from '../../reduction/host.ts';
import type { GraphRuntime, GraphTensor, GraphTensors } from '../../runtime/runtime.ts';
import { halvesToFloat32 } from '../../weights/half.ts';
import { refuseInt8 } from '../float32-only.ts';
import { type CardInput, classByLabel, type OnnxCard, OUTPUT_FORMS } from './card.ts';
import { type Answer, NotANumber } from './decoders/decoder.ts';
import { DECODERS } from './decoders/index.ts';
import { withInputDims } from './input-dims.ts';
import { type OnnxFile, type OnnxPort, readModelBytes } from './onnx-file.ts';
import { costOf, type GraphCost } from './operations.ts';
import { CELL, NetworkPicture, type Placement } from './picture.ts';

/** Of the memory that is free, how much a model may ask for. */
const MOST_OF_FREE = 0.8;

/** What a network gives and costs in one video; it offers no tokens of its own: to modes, it is a black box. */
export function onnxHost(
	file: OnnxFile,
	card: OnnxCard,
	placement: Placement,
	scoreThreshold: number,
	/** What a frame costs, as `cardCost` says: the same in every video. */
	cost: () => GraphCost,
): Host<BoxColumns> {
	const { width, height } = placement.letterbox.inputSize;
	const grid: TokenGrid = {
		rows: height / CELL,
		cols: width / CELL,
		stride: CELL,
		windowSize: CELL,
		windowOffset: 0,
	};
	return staticHost(card.title, grid, {
		macs: () => cost().macs,
		load: (runtime) => load(file, card, placement, scoreThreshold, cost(), runtime),
	});
}

/** What a frame costs a network at the size of its card. */
export function cardCost(file: OnnxFile, card: OnnxCard): GraphCost {
	return costOf(file, inputDims(file, card.input));
}

/** The shapes of all inputs for one picture. */
function inputDims(file: OnnxFile, input: CardInput): ReadonlyMap<string, readonly number[]> {
	return new Map(file.inputs.map((port) => [port.name, dimsOf(port, input)]));
}

function dimsOf({ name, dims }: OnnxPort, input: CardInput): readonly number[] {
	const { width, height, layout } = input;
	if (name === input.name) return layout === 'nchw' ? [1, 3, height, width] : [1, height, width, 3];
	if (input.extras[name] === 'unit-size') return [1, 2];
	// A mask has a number for every pixel, behind the batch.
	const rank = dims?.length ?? 3;
	return [...Array<number>(Math.max(0, rank - 2)).fill(1), height, width];
}

async function load(
	file: OnnxFile,
	card: OnnxCard,
	placement: Placement,
	scoreThreshold: number,
	cost: GraphCost,
	runtime: GraphRuntime,
): Promise<WholeNetwork<BoxColumns>> {
	const dims = inputDims(file, card.input);
	refuseInt8(runtime, file.path, 'the graph of an ONNX file is run as it is');
	refuseGiants(file, cost);
	const isFixed = file.inputs.every(({ name, dims: stated }) => String(stated) === String(dims.get(name)));
	const bytes = readModelBytes(file.path);
	const session = await runtime
		.load(isFixed ? bytes : withInputDims(bytes, dims), file.path, { tensorFolder: dirname(file.path) })
		.catch((error: unknown) => {
			throw unloadable(file, error);
		});
	const picture = new NetworkPicture(card.input, placement);
	const extras = extraFeeds(file, card.input, dims);
	const roles = OUTPUT_FORMS[card.output.form].map((role) => [role, card.output.tensors[role]!] as const);
	const wanted = roles.map(([, name]) => name);
	const decode = DECODERS[card.output.form];
	const { width, height } = card.input;
	const { boxes, unit, scores } = card.output;
	const options = {
		size: { width, height },
		scoreThreshold,
		classByLabel: classByLabel(card.classes),
		...{ boxes, unit, scores },
	};
	return {
		async run(pixels) {
			const outputs = await session.run({ [card.input.name]: picture.of(pixels), ...extras }, wanted);
			const answers = Object.fromEntries(roles.map(([role, name]) => [role, answerOf(outputs[name]!)]));
			try {
				return { output: decode(answers, options), macs: cost.macs };
			} catch (error) {
				throw error instanceof NotANumber ? notANumber(file.path, wanted, pixels.timeSeconds) : error;
			}
		},
		release: () => session.release(),
	};
}

/** Halves and whole numbers as floats. */
function answerOf({ type, data, shape }: GraphTensor): Answer {
	if (type === 'float32') return { data, shape };
	if (type === 'float16') return { data: halvesToFloat32(data), shape };
	return { data: Float32Array.from(data as ArrayLike<number | bigint>, Number), shape };
}

function extraFeeds(
	file: OnnxFile,
	{ extras }: CardInput,
	dims: ReadonlyMap<string, readonly number[]>,
): GraphTensors {
	return Object.fromEntries(
		Object.keys(extras).map((name): [string, GraphTensor] => {
			const shape = dims.get(name)!;
			const count = shape.reduce((product, size) => product * size, 1);
			switch (file.inputs.find((port) => port.name === name)?.type) {
				case 'float32':
					return [name, { type: 'float32', data: new Float32Array(count).fill(1), shape }];
				case 'int32':
					return [name, { type: 'int32', data: new Int32Array(count).fill(1), shape }];
				default:
					return [name, { type: 'int64', data: new BigInt64Array(count).fill(1n), shape }];
			}
		}),
	);
}

function notANumber(path: string, outputs: readonly string[], timeSeconds: number): UserFacingError {
	return new UserFacingError(
		'model-unreadable',
		`${path} answers with what is not a number (NaN) in ${outputs.join(', ')}, for the frame at ${timeSeconds.toFixed(3)} s.`,
		{ remedy: 'Half precision overflows in some networks: try the same network in float32.' },
	);
}

/** Throws `model-unreadable` where a network needs more memory than there is. */
function refuseGiants(file: OnnxFile, { largestValueBytes }: GraphCost): void {
	// The file and the runtime's weights, and an operator's input beside its output.
	const needed = file.bytes + file.weightBytes + 2 * largestValueBytes;
	const free = freemem();
	if (needed <= MOST_OF_FREE * free) return;
	const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
	throw new UserFacingError(
		'model-unreadable',
		`${file.path} needs ${gib(needed)} of memory or more, and ${gib(free)} are free.`,
		{ remedy: 'Close other programs, or choose a smaller network or input size.' },
	);
}

/** Why the runtime does not load a file, in one sentence. */
function unloadable(file: OnnxFile, error: unknown): UserFacingError {
	const cause = error instanceof UserFacingError ? (error.cause ?? error) : error;
	const reason = cause instanceof Error ? cause.message : String(cause);
	const opset = file.opsets.get('');
	const missing =
		/([^\s(]+)(?:\(-?\d+\))? is not a registered function\/op|(?:No Op registered|Could not find an implementation) for (\S+)/.exec(
			reason,
		);
	const tooNew = /opset (\d+) is under development|model opset version|Unsupported model IR version/i.test(
		reason,
	);
	const why = tooNew
		? `its format or operator set (opset ${opset}) is newer than the runtime knows`
		: missing
			? `it needs an operator that the runtime has not: ${missing[1] ?? missing[2] ?? firstLine(reason)}`
			: firstLine(reason);
	return new UserFacingError('model-unreadable', `${file.path} can't be run: ${why.replace(/\.$/, '')}.`, {
		cause,
		...((tooNew || missing) && {
			remedy: 'Export it again with an operator set of 17 to 20 and no custom operators.',
		}),
	});
}

/** Without the place in the runtime's own source, which some begin with. */
function firstLine(text: string): string {
	const [line = ''] = text.trim().split('\n');
	return line.replace(/^\/\S*onnxruntime\S*:\d+ .*?\) (?=\S)/, '').slice(0, 300);
}

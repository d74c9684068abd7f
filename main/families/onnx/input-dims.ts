import onnxProto from 'onnx-proto';
import { fieldHead, wireFields } from './wire.ts';

const { onnx } = onnxProto;

/**
 * The same model with inputs of these shapes, by name: the runtime then lays out everything before the first run, and nothing
 * is left of sizes that an exporter fixed and the network does not need. What the file states of other shapes is left out; the
 * runtime works it out. The rest of the file is copied as it is.
 */
export function withInputDims(model: Uint8Array, dims: ReadonlyMap<string, readonly number[]>): Uint8Array {
	const parts: Uint8Array[] = [];
	for (const { number, bytes, from, to } of wireFields(model)) {
		if (number === 7 && bytes) parts.push(...graphWith(bytes, dims));
		else parts.push(model.subarray(from, to));
	}
	return join(parts);
}

/** The parts of the field that holds the graph. */
function graphWith(graph: Uint8Array, dims: ReadonlyMap<string, readonly number[]>): Uint8Array[] {
	const parts: Uint8Array[] = [];
	for (const { number, bytes, from, to } of wireFields(graph)) {
		if (number === 13) continue;
		if ((number === 11 || number === 12) && bytes) {
			const port = onnx.ValueInfoProto.decode(bytes);
			const given = number === 11 ? dims.get(port.name) : null;
			if (given !== undefined && port.type?.tensorType) {
				port.type.tensorType.shape = given && { dim: given.map((dimValue) => ({ dimValue })) };
				if (given === null) delete port.type.tensorType.shape;
				const content = onnx.ValueInfoProto.encode(port).finish();
				parts.push(fieldHead(number, content.length), content);
				continue;
			}
		}
		parts.push(graph.subarray(from, to));
	}
	const length = parts.reduce((sum, part) => sum + part.length, 0);
	return [fieldHead(7, length), ...parts];
}

function join(parts: readonly Uint8Array[]): Uint8Array {
	const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
	let at = 0;
	for (const part of parts) {
		whole.set(part, at);
		at += part.length;
	}
	return whole;
}

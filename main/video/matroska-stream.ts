import type { Size } from '../domain/video.ts';

// Just enough Matroska (RFC 9559) to hand ffmpeg raw frames together with their times: a bare stream of pixels has
// none. Times are in nanoseconds; segment and clusters have no length, because they are written as frames arrive.

const NANOSECONDS_PER_TICK = 1;
const UNKNOWN_LENGTH = Buffer.from('01ffffffffffffff', 'hex');

/** The head of a stream of RGBA frames. `meanFrameSeconds` is a hint for the encoder; null for none. */
export function matroskaHeader(size: Size, meanFrameSeconds: number | null): Buffer {
	const duration = meanFrameSeconds === null ? 0 : Math.round(meanFrameSeconds * 1e9);
	return Buffer.concat([
		element('1a45dfa3', [element('4282', 'matroska'), element('4287', 4), element('4285', 2)]), // EBML, DocType
		Buffer.from('18538067', 'hex'), // Segment
		UNKNOWN_LENGTH,
		element('1549a966', [
			element('2ad7b1', NANOSECONDS_PER_TICK),
			element('4d80', 'sparsight'),
			element('5741', 'sparsight'),
		]),
		element('1654ae6b', [
			element('ae', [
				element('d7', 1), // number
				element('73c5', 1), // uid
				element('83', 1), // video
				element('9c', 0), // no lacing
				...(duration > 0 ? [element('23e383', duration)] : []),
				element('86', 'V_UNCOMPRESSED'),
				element('e0', [element('b0', size.width), element('ba', size.height), element('2eb524', 'RGBA')]),
			]),
		]),
	]);
}

/** What goes before the pixels of one frame: a cluster with this frame alone, so that any time can be stated. */
export function matroskaFrameHeader(timeSeconds: number, frameBytes: number): Buffer {
	const time = element('e7', Math.round(timeSeconds * 1e9));
	const block = Buffer.from('81000080', 'hex'); // track 1, time 0 in its cluster, key frame
	const blockHeader = Buffer.concat([Buffer.from('a3', 'hex'), length(block.length + frameBytes), block]);
	return Buffer.concat([
		Buffer.from('1f43b675', 'hex'),
		length(time.length + blockHeader.length + frameBytes),
		time,
		blockHeader,
	]);
}

function element(id: string, content: number | string | Buffer[]): Buffer {
	const body = Array.isArray(content)
		? Buffer.concat(content)
		: typeof content === 'string'
			? Buffer.from(content, 'latin1')
			: unsigned(content);
	return Buffer.concat([Buffer.from(id, 'hex'), length(body.length), body]);
}

// Always eight bytes: the marker bit, then 56 bits.
function length(bytes: number): Buffer {
	const field = Buffer.alloc(8);
	field.writeBigUInt64BE((1n << 56n) | BigInt(bytes));
	return field;
}

function unsigned(value: number): Buffer {
	const field = Buffer.alloc(8);
	field.writeBigUInt64BE(BigInt(value));
	return field;
}

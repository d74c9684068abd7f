import { RecordBatchReader } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import type { FrameResult } from '../domain/frame-result.ts';
import { decodeBatches } from './batch.ts';
import { encodeBatch, SCHEMAS, STREAM_END, STREAM_HEADS, STREAMS, type StreamName } from './columns.ts';
import { sampleMaps, sampleResult } from './sample-run.fixture.ts';

/** Frames with something for every stream, some of them without. */
function frames(from: number, to: number): FrameResult[] {
	return Array.from({ length: to - from }, (_, i) => {
		const frame = sampleResult(from + i);
		const maps = sampleMaps(from + i);
		const drift = {
			waitingTokens: i,
			longestWait: 2 * i,
			sufficientTokens: 3,
			agreement: 0.9,
			lower: 0.8,
			upper: 1,
			audit: i % 5 === 0 ? { matched: 4, lost: 1, gained: 0 } : null,
		};
		const camera = { x: i, y: -i, scale: 1, rotation: 0.5, gridX: 0, gridY: 7 };
		const marks = Uint8Array.from({ length: frame.detections.count }, (_, d) => d % 2);
		return {
			...frame,
			detections: frame.detections.withStale(marks),
			...(maps.length > 0 && { maps }),
			...(i % 3 > 0 && { drift }),
			...(i % 4 > 0 && { camera }),
		};
	});
}

const parts = [encodeBatch(frames(70, 134)), encodeBatch(frames(134, 135)), encodeBatch(frames(135, 180))];
const bytesOf = (stream: StreamName) => Buffer.concat(parts.map((part) => part[stream]));
const withEnds = (stream: StreamName) => Buffer.concat([STREAM_HEADS[stream], bytesOf(stream), STREAM_END]);

/** Each row of each batch, as apache-arrow reads it. */
function arrowRows(stream: StreamName): unknown[][] {
	return [...RecordBatchReader.from(withEnds(stream))].map((batch) =>
		Array.from({ length: batch.numRows }, (_, row) => {
			const values = SCHEMAS[stream].fields.map(({ name }) => batch.getChild(name)!.get(row) as unknown);
			return values.map((value) => (value instanceof Uint8Array ? [...value] : value));
		}),
	);
}

function ownRows(stream: StreamName, bytes: Uint8Array): unknown[][] {
	const isBytes = (name: string) => ['recomputed', 'values', 'stale'].includes(name);
	return Array.from(decodeBatches(stream, bytes, 'place'), (batch) =>
		Array.from({ length: batch.rowCount }, (_, row) =>
			SCHEMAS[stream].fields.map(({ name }) => {
				if (isBytes(name)) return [...batch.bytes(name, row)];
				const known = batch.validity(name);
				return known.length > 0 && ((known[row >> 3]! >> (row & 7)) & 1) === 0
					? null
					: batch.values(name)[row];
			}),
		),
	);
}

describe.each(STREAMS)('batches of %s', (stream) => {
	it('are read as apache-arrow reads them, with and without head and end', () => {
		const rows = arrowRows(stream);
		expect(rows).toHaveLength(stream === 'camera' || stream === 'drift' ? 2 : 3);
		for (const bytes of [bytesOf(stream), withEnds(stream)]) expect(ownRows(stream, bytes)).toEqual(rows);
	});

	it('may lie anywhere in memory', () => {
		const shifted = new Uint8Array(bytesOf(stream).length + 3).subarray(3);
		shifted.set(bytesOf(stream));
		expect(ownRows(stream, shifted)).toEqual(arrowRows(stream));
	});

	it('are refused where they are cut off, or something else', () => {
		const bytes = bytesOf(stream);
		const first = parts[0]![stream].length;
		for (let length = 1; length < first; length += 13) {
			expect(() => ownRows(stream, bytes.subarray(0, length))).toThrow('place: batches of the stream');
		}
		const other = stream === 'frames' ? 'tokens' : 'frames';
		expect(() => ownRows(stream, bytesOf(other))).toThrow('place: batches of the stream');
	});
});

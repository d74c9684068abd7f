import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../analysis/analyze.ts';
import type { Detections } from '../../domain/detections.ts';
import { installationFolder } from '../../process/installation.ts';
import { probeVideo } from '../../video/probe.ts';
import { readFrames } from '../../video/read-frames.ts';
import { openDetector } from '../detector.fixture.ts';
import { openModel } from '../index.ts';

// Published files against onnxruntime for Python, by tools/parity/onnx_reference.py. The files are no part of this repository:
// SPARSIGHT_ONNX names folders that hold some of them, such as DEIMv2's and that of the package nudenet.
const FIXTURES = new URL('./fixtures/', import.meta.url).pathname;
const CLIP = join(installationFolder(), 'assets', 'samples', 'plaza.mp4');
const folders = (process.env['SPARSIGHT_ONNX'] ?? '').split(':').filter((folder) => folder !== '');
const PIXELS = 1;
const SCORE = 1e-3;

type Reference = {
	model: string;
	sha256: string;
	score: number;
	frames: { frame: number; boxes: number[][]; scores: number[]; labels: number[] }[];
};

const references = readdirSync(FIXTURES).map((name) => {
	const reference = JSON.parse(readFileSync(join(FIXTURES, name), 'utf8')) as Reference;
	const path =
		folders.map((folder) => join(folder, reference.model)).find((place) => existsSync(place)) ?? null;
	return { ...reference, path };
});

describe.each(references)('$model', ({ model, path, sha256, score, frames }) => {
	if (path === null) {
		it.skip(`is compared where SPARSIGHT_ONNX names a folder with ${model}`, () => undefined);
		return;
	}

	it('opens without a question, and finds what Python finds', async () => {
		const opened = await openModel(path);
		expect(opened.sha256).toBe(sha256);
		const video = await probeVideo(CLIP);
		const detector = await openDetector(opened, {
			displaySize: video.displaySize,
			scoreThreshold: score - SCORE,
		});
		detector.reset();
		const { letterbox } = detector;
		const range = {
			from: { frame: 0 },
			to: { frame: Math.max(...frames.map(({ frame }) => frame)) },
			every: 1,
		};
		const { signal } = new AbortController();
		for await (const { frameIndex, detections } of analyze(
			readFrames(video, { range: { ...range, every: 1 }, letterbox, format: 'rgb24', signal }),
			detector,
		)) {
			const reference = frames.find(({ frame }) => frame === frameIndex);
			if (reference) expectSame(detections, reference, score);
		}
		await detector.release();
	});
});

/** Every box of the reference has one here of its class, and none here is beyond it but for those around the least score. */
function expectSame(
	detections: Detections,
	{ boxes, scores, labels }: Reference['frames'][number],
	least: number,
): void {
	const rest = new Set(Array.from({ length: detections.count }, (_, i) => i));
	boxes.forEach((box, j) => {
		const found = [...rest].find(
			(i) =>
				detections.classIndices[i] === labels[j] &&
				Math.abs(detections.scores[i]! - scores[j]!) <= SCORE &&
				detections.box(i).every((side, at) => Math.abs(side - box[at]!) <= PIXELS),
		);
		expect(found, `box ${j}, score ${scores[j]}, [${box.join(', ')}]`).toBeDefined();
		rest.delete(found!);
	});
	for (const i of rest) expect(detections.scores[i]!).toBeLessThan(least + SCORE);
}

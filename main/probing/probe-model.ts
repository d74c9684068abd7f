import { availableParallelism } from 'node:os';
import type { OnnxCard } from '../families/onnx/card.ts';
import { compareCards, type Probe } from '../families/onnx/probe.ts';
import { resizeBytes } from '../pixels/resize.ts';
import { createRuntime } from '../runtime/onnx-runtime.ts';
import { probeVideo } from '../video/probe.ts';
import { type OneFrame, readOneFrame } from '../video/read-one-frame.ts';
import type { ModelReadings, ProbeJob, SeenFrame, SeenProbe } from './protocol.ts';
import { cardOf, choiceOf } from './readings.ts';

const MOST_PICTURE_BYTES = 1e6;

/** Looks at a frame of a video through every reading of an ONNX file. Throws what reading file, video and changes throw. */
export async function probeModel(job: ProbeJob): Promise<ModelReadings> {
	const { modelPath, cacheFolder, cardsFolder, changes } = job;
	const choice = await choiceOf(modelPath, { cache: cacheFolder, cards: cardsFolder });
	const { inspection, readings, isSaved, places } = choice;
	const { degree, remarks } = inspection.recognition;
	const cards = readings.map((_, i) => cardOf(choice, i, changes));
	const dims = inspection.file.inputs.find(({ name }) => name === cards[0]!.input.name)?.dims;
	const known = {
		degree,
		remarks,
		isSaved,
		places,
		isSizeOpen: dims?.slice(1).some((size) => typeof size !== 'number') ?? true,
	};
	if (job.unlessCertain && (isSaved || degree === 'certain')) {
		const unseen = cards.map((card, i) => ({ card, reason: readings[i]!.reason, probe: null }));
		return { ...known, readings: unseen, best: null, isClear: false, frame: null };
	}
	const video = await probeVideo(job.videoPath);
	const frame = await readOneFrame(video, job.seconds === null ? null : { seconds: job.seconds });
	const runtime = createRuntime(job.threads ?? availableParallelism());
	const { probes, best, isClear } = await compareCards(inspection, cards, frame, runtime);
	const { startSeconds, durationSeconds } = video;
	return {
		...known,
		readings: cards.map((card, i) => ({ card, reason: readings[i]!.reason, probe: seen(probes[i]!, card) })),
		best,
		isClear,
		frame: {
			seconds: frame.seconds,
			span: durationSeconds === null ? null : { startSeconds, endSeconds: startSeconds + durationSeconds },
			displaySize: frame.size,
			picture: pictureOf(frame),
		},
	};
}

function seen({ detections, ...probe }: Probe, { displayScore }: OnnxCard): SeenProbe {
	const { classIndices, scores, boxesXyxy } = detections.filter((i) => detections.scores[i]! >= displayScore);
	return { ...probe, boxes: { classIndices, scores, xyxy: boxesXyxy } };
}

function pictureOf({ data, size }: OneFrame): SeenFrame['picture'] {
	const scale = Math.sqrt(MOST_PICTURE_BYTES / data.length);
	if (scale >= 1) return { data, size };
	const [width, height] = [Math.floor(size.width * scale), Math.floor(size.height * scale)];
	return resizeBytes({ data, size }, { width: Math.max(1, width), height: Math.max(1, height) }, 'bilinear');
}

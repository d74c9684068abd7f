import { scaledTo } from '../main/domain/frame.ts';
import { type Size, WHOLE_VIDEO } from '../main/domain/video.ts';
import { IGNORED, TruthBuilder, type TruthObjects } from '../main/evaluation/ground-truth/ground-truth.ts';
import { readGroundTruth } from '../main/evaluation/ground-truth/index.ts';
import { probeVideo } from '../main/video/probe.ts';
import { readFrames } from '../main/video/read-frames.ts';
import { openVideoWriter } from '../main/video/write-video.ts';
import { look } from './virtual-camera.ts';

/** A copy of a clip in a large picture: where it begins, how often its pixels are halved, and its first frame. */
type Copy = { left: number; top: number; shrink: 1 | 2; from: number };

/** A large picture in which copies of a clip move over the clip's own still background. All of its tiles take seconds a frame. */
export type Canvas = { name: string; size: Size; copies: readonly Copy[]; mostFrames: number };

export const CANVASES: readonly Canvas[] = [
	{
		name: '1080p, one copy and two at half size',
		mostFrames: 120,
		size: { width: 1920, height: 1080 },
		copies: [
			{ left: 1088, top: 272, shrink: 1, from: 0 },
			{ left: 224, top: 160, shrink: 2, from: 250 },
			{ left: 352, top: 656, shrink: 2, from: 500 },
		],
	},
	{
		name: '1080p, two copies and two at half size',
		mostFrames: 120,
		size: { width: 1920, height: 1080 },
		copies: [
			{ left: 1088, top: 272, shrink: 1, from: 0 },
			{ left: 0, top: 500, shrink: 1, from: 250 },
			{ left: 224, top: 100, shrink: 2, from: 250 },
			{ left: 1400, top: 0, shrink: 2, from: 350 },
		],
	},
	{
		name: '1080p, three copies and four at half size',
		mostFrames: 120,
		size: { width: 1920, height: 1080 },
		copies: [
			{ left: 0, top: 0, shrink: 1, from: 0 },
			{ left: 768, top: 0, shrink: 1, from: 250 },
			{ left: 1152, top: 504, shrink: 1, from: 500 },
			{ left: 1536, top: 0, shrink: 2, from: 100 },
			{ left: 0, top: 640, shrink: 2, from: 350 },
			{ left: 384, top: 784, shrink: 2, from: 420 },
			{ left: 768, top: 640, shrink: 2, from: 550 },
		],
	},
	{
		name: '4K, two copies and two at half size',
		mostFrames: 24,
		size: { width: 3840, height: 2160 },
		copies: [
			{ left: 400, top: 300, shrink: 1, from: 0 },
			{ left: 2500, top: 1200, shrink: 1, from: 250 },
			{ left: 1800, top: 200, shrink: 2, from: 500 },
			{ left: 900, top: 1500, shrink: 2, from: 350 },
		],
	},
];

const FRAMES_PER_SECOND = 10;
/** Every so many frames one tells what stands still; the middle value of these does. */
const STILL_EVERY = 40;
const CRF = 23;

/** Writes a canvas as H.264; gives the truth of each frame, in its pixels. */
export async function paintCanvas(
	{ size, copies }: Canvas,
	source: { videoPath: string; truthPath: string },
	path: string,
	frames: number,
): Promise<TruthObjects[]> {
	const clip = await framesOf(source.videoPath);
	const truth = readGroundTruth(source.truthPath);
	const still = middleOf(clip.frames.filter((_, i) => i % STILL_EVERY === 0));
	const background = new Uint8Array(3 * size.width * size.height);
	const scale = Math.min(clip.size.width / size.width, clip.size.height / size.height);
	look(still, clip.size, { x: 0, y: 0, scale }, size, background);

	const timesSeconds = Float64Array.from({ length: frames }, (_, i) => i / FRAMES_PER_SECOND);
	const options = { path, size, timesSeconds, endSeconds: null, audioFrom: null, crf: CRF };
	const writer = await openVideoWriter(options);
	const rgba = new Uint8Array(4 * size.width * size.height).fill(255);
	const truths: TruthObjects[] = [];
	for (let i = 0; i < frames; i++) {
		const picture = background.slice();
		const objects = new TruthBuilder();
		for (const copy of copies) {
			const index = copy.from + i;
			paste(clip.frames[index]!, clip.size, copy, picture, size);
			moveTruth(truth.frames.get(index), copy, objects);
		}
		for (let pixel = 0; pixel < size.width * size.height; pixel++) {
			for (let c = 0; c < 3; c++) rgba[4 * pixel + c] = picture[3 * pixel + c]!;
		}
		await writer.write(rgba);
		truths.push(objects.build());
	}
	await writer.finish();
	return truths;
}

async function framesOf(path: string): Promise<{ size: Size; frames: Uint8Array[] }> {
	const video = await probeVideo(path);
	const { displaySize: size } = video;
	const letterbox = scaledTo(size);
	const frames: Uint8Array[] = [];
	for await (const { pixels } of readFrames(video, { range: WHOLE_VIDEO, letterbox, format: 'rgb24' })) {
		frames.push(pixels.slice());
	}
	return { size, frames };
}

/** The middle value of every byte. */
function middleOf(pictures: readonly Uint8Array[]): Uint8Array {
	const values = new Uint8Array(pictures.length);
	return pictures[0]!.map((_, at) => {
		for (const [i, picture] of pictures.entries()) values[i] = picture[at]!;
		return values.sort()[values.length >> 1]!;
	});
}

/** Draws a copy of a picture; where it is shrunk, squares of pixels become their mean. */
function paste(
	from: Uint8Array,
	size: Size,
	{ left, top, shrink }: Copy,
	to: Uint8Array,
	toSize: Size,
): void {
	for (let y = 0; y < Math.floor(size.height / shrink); y++) {
		for (let x = 0; x < Math.floor(size.width / shrink); x++) {
			for (let c = 0; c < 3; c++) {
				let sum = 0;
				for (let dy = 0; dy < shrink; dy++) {
					for (let dx = 0; dx < shrink; dx++) {
						sum += from[3 * ((y * shrink + dy) * size.width + x * shrink + dx) + c]!;
					}
				}
				to[3 * ((top + y) * toSize.width + left + x) + c] = Math.round(sum / shrink ** 2);
			}
		}
	}
}

function moveTruth(truth: TruthObjects | undefined, { left, top, shrink }: Copy, to: TruthBuilder): void {
	for (let i = 0; i < (truth?.roles.length ?? 0); i++) {
		const [x, y, right, bottom] = truth!.boxesXyxy.subarray(4 * i, 4 * i + 4) as unknown as number[];
		const [width, height] = [(right! - x!) / shrink, (bottom! - y!) / shrink];
		to.add(truth!.classIndices[i]!, left + x! / shrink, top + y! / shrink, width, height, truth!.roles[i]!);
	}
}

/** Only objects below so many pixels count: the others are neither right nor wrong. */
export function smallOnly(truth: TruthObjects, area: number): TruthObjects {
	const { classIndices, boxesXyxy } = truth;
	const roles = truth.roles.map((role, i) => {
		const [left, top, right, bottom] = boxesXyxy.subarray(4 * i, 4 * i + 4) as unknown as number[];
		return (right! - left!) * (bottom! - top!) < area ? role : IGNORED;
	});
	return { classIndices, boxesXyxy, roles };
}

import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scaledTo } from '../main/domain/frame.ts';
import { WHOLE_VIDEO } from '../main/domain/video.ts';
import { readGroundTruth } from '../main/evaluation/ground-truth/index.ts';
import { openModel } from '../main/families/index.ts';
import { parseCard } from '../main/families/onnx/card.ts';
import { cardCost } from '../main/families/onnx/host.ts';
import { parseOnnx } from '../main/families/onnx/onnx-file.ts';
import { recognize } from '../main/families/onnx/signature.ts';
import { SIGNATURES, tinyOnnx } from '../main/families/onnx/tiny-onnx.fixture.ts';
import { installationFolder } from '../main/process/installation.ts';
import { parseJson } from '../main/results/header.ts';
import { RUN_FILES } from '../main/results/run-folder.ts';
import { RunWriter } from '../main/results/run-writer.ts';
import { openRun } from '../main/results/stored-run.ts';
import { readFrames } from '../main/video/read-frames.ts';
import { probeVideo } from '../main/video/probe.ts';
import { parseCheckpoint } from '../main/weights/checkpoint.ts';
import { layOutSafetensors } from '../main/weights/safetensors.ts';
import { op, pickle, tensor, torchArchive, torchLegacy } from '../main/weights/torch-file.fixture.ts';
import { captureOutput } from '../main/video/run-program.ts';
import { findFfmpeg } from '../main/video/ffmpeg-binary.ts';
import { hostilePickle } from './hostile-pickles.ts';
import { NOTE_SUBJECTS } from './note-subjects.ts';
import { BYTE_MUTATIONS, JSON_MUTATIONS, type Mutation, TEXT_MUTATIONS } from './mutations.ts';
import { deriveFrom, storedRun, toldOf } from './stored-run.ts';

/** A file that is read: small valid ones by name, what is done to them, and the reading. */
export type Subject = {
	title: string;
	/** `folder`: an empty one, where seeds may be made. */
	seeds(folder: string): Promise<ReadonlyMap<string, Uint8Array>>;
	mutations: readonly Mutation[];
	/** Reads the file as the application would, all of it; `folder` is for what must lie on the disk. */
	read(name: string, bytes: Uint8Array, folder: string): Promise<void>;
	/** How long one reading may take, in milliseconds. */
	mostMilliseconds: number;
};

const bytes = Object.values(BYTE_MUTATIONS);
const json = Object.values(JSON_MUTATIONS);
const text = Object.values(TEXT_MUTATIONS);
const MOST_MILLISECONDS = 20_000;

export const SUBJECTS = {
	media: {
		title: 'Videos',
		seeds: mediaSeeds,
		mutations: bytes,
		read: readMedia,
		mostMilliseconds: 60_000,
	},
	safetensors: {
		title: 'safetensors',
		seeds: () => Promise.resolve(new Map([['model.safetensors', smallSafetensors()]])),
		mutations: [...bytes, ...json.map(inSafetensorsHeader)],
		read: readWeights,
		mostMilliseconds: MOST_MILLISECONDS,
	},
	pth: {
		title: '.pth, archive',
		seeds: () => Promise.resolve(new Map([['model.pth', torchArchive(checkpointPickle(), STORAGES)]])),
		mutations: [
			...bytes,
			...bytes.map((change) => ofPickle(change, torchArchive)),
			(_, chance) => torchArchive(hostilePickle(chance), STORAGES),
			(_, chance) => torchArchive(hostilePickle(chance), STORAGES),
		],
		read: readWeights,
		mostMilliseconds: MOST_MILLISECONDS,
	},
	'pth-legacy': {
		title: '.pth, before version 1.6',
		seeds: () => Promise.resolve(new Map([['model.pth', torchLegacy(checkpointPickle(), STORAGES)]])),
		mutations: [
			...bytes,
			...bytes.map((change) => ofPickle(change, torchLegacy)),
			(_, chance) => torchLegacy(hostilePickle(chance), STORAGES),
			(_, chance) => Uint8Array.from(hostilePickle(chance)),
		],
		read: readWeights,
		mostMilliseconds: MOST_MILLISECONDS,
	},
	onnx: {
		title: 'ONNX',
		seeds: () =>
			Promise.resolve(
				new Map(Object.entries(SIGNATURES).map(([name, outputs]) => [`${name}.onnx`, tinyOnnx({ outputs })])),
			),
		mutations: bytes,
		read: (name, content, folder) => {
			const file = parseOnnx(content, join(folder, name));
			for (const { card } of recognize(file).readings) cardCost(file, card);
			return Promise.resolve();
		},
		mostMilliseconds: MOST_MILLISECONDS,
	},
	models: {
		title: 'Folders of models (model.json and weights)',
		seeds: () => {
			const tiny = join(installationFolder(), 'main/families/lookout-sh/fixtures/tiny');
			return Promise.resolve(filesOf(tiny, ['model.json', 'model.safetensors']));
		},
		mutations: [...bytes, ...json, ...json.map(inSafetensorsHeader)],
		read: async (name, content, folder) => {
			cpSync(join(installationFolder(), 'main/families/lookout-sh/fixtures/tiny'), folder, {
				recursive: true,
			});
			await writeFile(join(folder, name), content);
			await openModel(folder);
		},
		mostMilliseconds: MOST_MILLISECONDS,
	},
	cards: {
		title: 'Cards of ONNX files',
		seeds: () => {
			const path = join(installationFolder(), 'tiny.onnx');
			const { readings } = recognize(parseOnnx(tinyOnnx({ outputs: SIGNATURES.yoloRaw }), path));
			return Promise.resolve(new Map([['card.json', Buffer.from(JSON.stringify(readings[0]!.card))]]));
		},
		mutations: [...bytes, ...json, ...json],
		read: (name, content, folder) => {
			// A text that is no JSON is told apart before.
			const card = parseCard(parseJson(Buffer.from(content).toString('utf8')) ?? null, join(folder, name));
			cardCost(parseOnnx(tinyOnnx({ outputs: SIGNATURES.yoloRaw }), join(folder, 'tiny.onnx')), card);
			return Promise.resolve();
		},
		mostMilliseconds: MOST_MILLISECONDS,
	},
	runs: {
		title: 'Stored runs',
		seeds: async (folder) => {
			const run = await storedRun(folder);
			return filesOf(run, readdirSync(run));
		},
		mutations: [...bytes, ...json, ...text],
		read: readRun,
		mostMilliseconds: MOST_MILLISECONDS,
	},
	derived: {
		title: 'What is derived from stored runs',
		seeds: async (folder) => {
			const run = await storedRun(folder);
			await deriveFrom(run);
			return filesOf(run, [RUN_FILES.columns, RUN_FILES.tracks]);
		},
		mutations: [...bytes, ...json.map(inSafetensorsHeader)],
		read: readDerived,
		mostMilliseconds: MOST_MILLISECONDS,
	},
	truth: {
		title: 'Ground truth',
		seeds: () => Promise.resolve(truthSeeds()),
		mutations: [...bytes, ...json, ...text],
		read: async (name, content, folder) => {
			const path = join(folder, name);
			await writeFile(path, content);
			readGroundTruth(path);
		},
		mostMilliseconds: MOST_MILLISECONDS,
	},
	...NOTE_SUBJECTS,
} as const satisfies Record<string, Subject>;

export type SubjectName = keyof typeof SUBJECTS;

const STORAGES = { 0: [1, 2, 3, 4] };

function checkpointPickle(): number[] {
	const weights = op.dict(['weight', tensor('0', 4, [2, 2])], ['bias', tensor('0', 4, [2], { offset: 2 })]);
	return pickle(op.dict(['model', weights], ['epoch', op.int(12)], ['names', op.list(op.text('person'))]));
}

type Pack = (content: number[], storages: Readonly<Record<string, readonly number[]>>) => Uint8Array;

/** The change of a checkpoint's pickle, with all that stands around it as it should be. */
function ofPickle(change: Mutation, pack: Pack): Mutation {
	return (_, chance) => pack([...change(Uint8Array.from(checkpointPickle()), chance)], STORAGES);
}

async function readWeights(name: string, content: Uint8Array, folder: string): Promise<void> {
	const { weights } = parseCheckpoint(content, join(folder, name));
	for (const tensor of weights.values()) void tensor.data;
	await Promise.resolve();
}

function smallSafetensors(): Uint8Array {
	const of = (numbers: readonly number[]) => new Uint8Array(Float32Array.from(numbers).buffer);
	const tensors = new Map([
		['weight', { dtype: 'F32', shape: [2, 3], bytes: of([1, 2, 3, 4, 5, 6]) }],
		['bias', { dtype: 'F32', shape: [3], bytes: of([7, 8, 9]) }],
		['half', { dtype: 'F16', shape: [2, 2], bytes: new Uint8Array(8) }],
	] as const);
	return Buffer.concat(layOutSafetensors(tensors, { format: 'pt' }));
}

/** The change of a header, with its length as it then is; files with no such header are left as they are. */
function inSafetensorsHeader(change: Mutation): Mutation {
	return (file, chance) => {
		if (file.length < 8) return file;
		const length = Number(new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true));
		if (length > file.length - 8) return file;
		const header = change(file.subarray(8, 8 + length), chance);
		const size = new Uint8Array(8);
		new DataView(size.buffer).setBigUint64(0, BigInt(header.length), true);
		return Buffer.concat([size, header, file.subarray(8 + length)]);
	};
}

/** Reads all of a run, then goes on with it. */
async function readRun(name: string, content: Uint8Array, folder: string): Promise<void> {
	const place = await storedRun(folder);
	await writeFile(join(place, name), content);
	const run = await openRun(place);
	for (const result of run.results()) void result;
	run.summary();
	void run.shortfall;
	const { writer } = await RunWriter.resume(place);
	await writer.close('cancelled', { decode: null, error: null, wallSeconds: 1, state: null });
}

/** Reads all of a run that has the file beside it, as if it were its own. */
async function readDerived(name: string, content: Uint8Array, folder: string): Promise<void> {
	const place = await storedRun(folder);
	const { stamp } = await openRun(place);
	const text = Buffer.from(content)
		.toString('latin1')
		.replace(/"of":"[^"]*"/, `"of":"${stamp}"`);
	await writeFile(join(place, name), text, 'latin1');
	await toldOf(place);
}

function truthSeeds(): ReadonlyMap<string, Uint8Array> {
	const coco = {
		images: [
			{ id: 1, file_name: '000001.jpg', width: 640, height: 480 },
			{ id: 2, file_name: '000002.jpg', width: 640, height: 480 },
		],
		annotations: [
			{ id: 1, image_id: 1, category_id: 1, bbox: [10, 20, 30, 40], area: 1200, iscrowd: 0 },
			{ id: 2, image_id: 2, category_id: 3, bbox: [50, 60, 70.5, 80], area: 5640, iscrowd: 1 },
		],
		categories: [
			{ id: 1, name: 'person' },
			{ id: 3, name: 'car' },
		],
	};
	const mot = Array.from({ length: 12 }, (_, i) => `${i + 1},1,${10 + i},20,30,40,1,1,1`).join('\n');
	const visdrone = Array.from({ length: 12 }, (_, i) => `${i},1,${10 + i},20,30,40,1,${i},0,0`).join('\n');
	const voc = `<?xml version="1.0"?>
<!DOCTYPE annotation>
<annotation><filename>frame_000001.jpg</filename><size><width>640</width><height>480</height><depth>3</depth></size>
<object><name>person</name><difficult>0</difficult><bndbox><xmin>10</xmin><ymin>20</ymin><xmax>40</xmax><ymax>60</ymax></bndbox></object>
</annotation>\n`;
	return new Map(
		Object.entries({
			'coco.json': JSON.stringify(coco),
			'gt.txt': `${mot}\n`,
			'visdrone.txt': `${visdrone}\n`,
			'frame_000001.xml': voc,
		}).map(([name, content]) => [name, Buffer.from(content)]),
	);
}

/** Some containers and codecs, a dozen frames each, of what this ffmpeg can write. */
async function mediaSeeds(folder: string): Promise<ReadonlyMap<string, Uint8Array>> {
	const kinds = {
		'h264.mp4': ['-c:v', 'libx264', '-bf', '2'],
		'h264.mkv': ['-c:v', 'libx264'],
		'vp9.webm': ['-c:v', 'libvpx-vp9', '-deadline', 'realtime'],
		'mpeg4.avi': ['-c:v', 'mpeg4'],
		'mpeg2.ts': ['-c:v', 'mpeg2video'],
		'mjpeg.mov': ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p'],
	};
	const { ffmpeg } = await findFfmpeg();
	const seeds = new Map<string, Uint8Array>();
	for (const [name, codec] of Object.entries(kinds)) {
		const path = join(folder, name);
		const source = ['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=10,trim=end_frame=12'];
		const pixels = codec.includes('-pix_fmt') ? [] : ['-pix_fmt', 'yuv420p'];
		const { exitCode } = await captureOutput(ffmpeg, [
			'-v',
			'error',
			'-y',
			...source,
			...pixels,
			...codec,
			path,
		]);
		if (exitCode === 0) seeds.set(name, readFileSync(path));
	}
	return seeds;
}

async function readMedia(name: string, content: Uint8Array, folder: string): Promise<void> {
	const path = join(folder, name);
	await writeFile(path, content);
	const video = await probeVideo(path);
	const letterbox = scaledTo({ width: 64, height: 48 }, video.displaySize);
	const range = { ...WHOLE_VIDEO, to: { frame: 99 } };
	for await (const frame of readFrames(video, { range, letterbox, format: 'rgb24' })) void frame;
}

function filesOf(folder: string, names: readonly string[]): ReadonlyMap<string, Uint8Array> {
	return new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
}

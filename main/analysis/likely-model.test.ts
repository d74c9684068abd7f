import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { WHOLE_VIDEO } from '../domain/video.ts';
import { changeCard, type OnnxCard, saveCard } from '../families/onnx/card.ts';
import { readOnnxFile } from '../families/onnx/onnx-file.ts';
import { recognize } from '../families/onnx/signature.ts';
import { onnxFolder, SIGNATURES, type TinyNetwork } from '../families/onnx/tiny-onnx.fixture.ts';
import { installationFolder } from '../process/installation.ts';
import { openRun } from '../results/stored-run.ts';
import type { AnalysisJob, AnalysisNews } from './protocol.ts';
import { recordRun, RunControl } from './record-run.ts';

const files = onnxFolder();
afterAll(files.remove);

function jobFor(name: string, modelPath: string, changes: Partial<AnalysisJob> = {}): AnalysisJob {
	return {
		videoPath: join(installationFolder(), 'assets', 'samples', 'plaza.mp4'),
		modelPath,
		mode: 'dense',
		settings: {},
		range: { ...WHOLE_VIDEO, to: { frame: 3 } },
		runFolder: join(files.folder, name),
		start: 'create',
		threads: 1,
		execution: null,
		maxSide: null,
		scoreThreshold: null,
		wantsFrames: false,
		cacheFolder: null,
		...changes,
	};
}

/** Ends after the first frame. */
class OneFrame extends RunControl {
	#turns = 0;

	override get cancelled(): boolean {
		return this.#turns++ > 0;
	}
}

async function remarksOf(job: AnalysisJob, control = new RunControl()): Promise<readonly string[]> {
	const news: AnalysisNews[] = [];
	await recordRun(job, control, (one) => news.push(one));
	return news.flatMap((one) => (one.type === 'opened' ? one.remarks : []));
}

const rows = (numbers: number[]): TinyNetwork => ({
	outputs: [{ name: 'output0', shape: [1, 20, 6], numbers }],
});

describe('a model whose reading is only likely', () => {
	it.each<[string, TinyNetwork, RegExp]>([
		['what fits', { outputs: SIGNATURES.yoloRaw }, /within 0 to 1 and boxes inside .* finds 1: 1 person$/],
		['that nothing was found', rows([]), /nothing is found in it: that speaks neither/],
	])('tells of a frame of the video: %s', async (name, network, said) => {
		const job = jobFor(name, files.put(`${name}.onnx`, network));
		expect((await remarksOf(job)).at(-1)).toMatch(said);
		expect((await openRun(job.runFolder)).header.model.doubt).toMatch(said);
	});

	it.each<[string, TinyNetwork, RegExp]>([
		['scores beyond 1', rows([32, 32, 96, 96, 7, 0]), /scores lie outside of 0 to 1\.$/],
		[
			'boxes as shares',
			rows([0.2, 0.2, 0.8, 0.8, 0.9, 0]),
			/boxes lie outside of the picture or have no size\.$/,
		],
	])('is not run where the frame contradicts it: %s', async (name, network, said) => {
		const job = jobFor(name, files.put(`${name}.onnx`, network));
		await expect(remarksOf(job)).rejects.toMatchObject({
			code: 'card-needed',
			message: expect.stringMatching(said) as string,
			remedy: expect.stringContaining('sparsight models card') as string,
		});
		expect(existsSync(job.runFolder)).toBe(false);
	});

	it('is not looked at where a card or the file itself says how it is read', async () => {
		const path = files.put('settled.onnx', rows([0.2, 0.2, 0.8, 0.8, 0.9, 0]));
		saveCard(recognize(readOnnxFile(path)).readings[1]!.card, { beside: path });
		const job = jobFor('settled', path);
		expect(await remarksOf(job)).toEqual([]);
		expect((await openRun(job.runFolder)).header.model).not.toHaveProperty('doubt');
	});
});

describe('a run that goes on', () => {
	const path = files.put('goes-on.onnx', { outputs: SIGNATURES.yoloRaw });
	const { card } = recognize(readOnnxFile(path)).readings[0]!;
	const begun = jobFor('begun', path);

	it.each<[string, OnnxCard, string]>([
		['colours', changeCard(card, [['input.colour', 'bgr']]), "the model's card: input (stored {"],
		[
			'suppression',
			changeCard(card, [['suppression', 'null']]),
			'suppression (stored {"iou":0.7}, asked null)',
		],
		['labels', changeCard(card, [['classes.unused', '[80]']]), 'unused labels (stored [], asked [80])'],
		[
			'names',
			{ ...card, classes: { names: ['face', ...card.classes.names.slice(1)], unused: [] } },
			'classes (stored [',
		],
	])('refuses to with a card of other %s', async (_, changed, words) => {
		saveCard(card, { beside: path });
		if (!existsSync(begun.runFolder)) await remarksOf(begun, new OneFrame());
		saveCard(changed, { beside: path });
		await expect(remarksOf({ ...begun, start: 'continue' })).rejects.toMatchObject({
			code: 'resume-mismatch',
			message: expect.stringContaining(words) as string,
		});
	});

	it('does so with a card that says the same in other words', async () => {
		saveCard({ ...card, title: 'mine', notes: ['tried out'], sources: {} }, { beside: path });
		await remarksOf({ ...begun, start: 'continue' });
		expect((await openRun(begun.runFolder)).frameCount).toBe(4);
	});
});

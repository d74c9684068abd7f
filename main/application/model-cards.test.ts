import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RequestInput } from '../../preload/contract.ts';
import { onnxFolder, SIGNATURES } from '../families/onnx/tiny-onnx.fixture.ts';
import { scriptedWorker } from '../process/scripted-worker.fixture.ts';
import type { ProbeExchange } from '../probing/protocol.ts';
import { makeFolders, openPageSide, type PageSide } from './application.fixture.ts';

let folders: ReturnType<typeof makeFolders>;
let files: ReturnType<typeof onnxFolder>;
let page: PageSide;
let dropped: string;
beforeEach(async () => {
	folders = makeFolders();
	files = onnxFolder();
	page = await openPageSide(folders, { droppedPath: () => dropped });
});
afterEach(async () => {
	await page.application.close();
	folders.remove();
	files.remove();
});

/** Offsets of YOLOX that, read as pixels, are boxes of no size in the corner. */
const AMBIGUOUS = [{ ...SIGNATURES.yolox[0], numbers: [8, 8, 0.4, 0.4, 1, 0.9] }];

async function add(outputs: Parameters<typeof files.put>[1] & object): Promise<string> {
	dropped = files.put('tiny.onnx', outputs);
	return (await page.ask('models.adopt', { dropToken: 'drop' })).modelId;
}

const read = (modelId: string, more: Partial<RequestInput<'models.readings'>> = {}) =>
	page.ask('models.readings', {
		modelId,
		videoId: null,
		seconds: null,
		changes: [],
		unlessCertain: false,
		...more,
	});
const listed = async (id: string) =>
	(await page.ask('models.list', {})).find(({ modelId }) => modelId === id);
const unchanged = (reading: number) => ({ reading, fields: [], names: null });

describe('a file that can be read in several ways', () => {
	it('is shown as each reading sees a frame, with a picture that the page can draw', async () => {
		const modelId = await add({ outputs: AMBIGUOUS });
		expect(await listed(modelId)).toMatchObject({ card: null, problem: { code: 'card-needed' } });
		const seen = await read(modelId, { unlessCertain: true });
		expect(seen).toMatchObject({ degree: 'ask', best: 0, isClear: true, isSaved: false, isSizeOpen: false });
		expect(seen.places).toEqual(['beside', 'settings']);
		expect(seen.readings.map(({ card }) => card.output.form)).toEqual([
			'yolox',
			'yolo-objectness',
			'yolo-objectness',
		]);
		const { probe } = seen.readings[0]!;
		expect(probe).toMatchObject({ shown: 1, classes: [{ name: 'person', count: 1 }], failure: null });
		expect(probe!.boxes.xyxy).toHaveLength(4);
		expect(seen.readings[1]!.probe).toMatchObject({ boxesFit: false });
		const { picture, displaySize, span } = seen.frame!;
		expect(displaySize).toEqual({ width: 768, height: 576 });
		expect(picture.data).toHaveLength(3 * picture.size.width * picture.size.height);
		expect(picture.data.length).toBeLessThanOrEqual(1e6);
		expect(span!.endSeconds).toBeGreaterThan(seen.frame!.seconds);
	});

	it('is looked at anew after a change, and a change that does not fit is refused', async () => {
		const modelId = await add({ outputs: AMBIGUOUS });
		const change = (path: string, value: string) => ({
			changes: [{ reading: 0, fields: [[path, value] as [string, string]], names: null }],
		});
		const { readings } = await read(modelId, change('displayScore', '0.95'));
		expect(readings[0]).toMatchObject({ card: { displayScore: 0.95 }, probe: { shown: 0 } });
		await expect(read(modelId, change('input.colour', 'blue'))).rejects.toMatchObject({
			code: 'model-unreadable',
		});
		const named = await read(modelId, { changes: [{ ...unchanged(0), names: 'a\n'.repeat(80) }] });
		expect(named.readings[0]!.probe!.classes).toEqual([{ name: 'a', count: 1 }]);
		await expect(
			read(modelId, { changes: [{ ...unchanged(0), names: '["a", "b"]' }] }),
		).rejects.toMatchObject({ message: 'The list names 2 classes, and the output scores 80.' });
	});

	it.each(['beside', 'settings'] as const)('opens once its card is stored: %s', async (place) => {
		const modelId = await add({ outputs: AMBIGUOUS });
		const change = { ...unchanged(0), fields: [['input.colour', 'rgb'] as [string, string]] };
		await page.ask('models.saveCard', { modelId, change, place });
		const card =
			place === 'beside'
				? join(folders.models, modelId, 'tiny.onnx.card.json')
				: join(folders.cards, readdirSync(folders.cards)[0]!);
		expect(JSON.parse(readFileSync(card, 'utf8'))).toMatchObject({ input: { colour: 'rgb' } });
		expect(await listed(modelId)).toMatchObject({ problem: null, card: { family: 'onnx' } });
		const { models } = await page.hear('models', (event) => event.models.some(({ id }) => id === modelId));
		expect(models.find(({ id }) => id === modelId)?.modes).toContain('dense');
		const again = await read(modelId, { unlessCertain: true });
		expect(again).toMatchObject({ isSaved: true, frame: null });
		expect(again.places).toEqual(place === 'beside' ? ['beside'] : ['beside', 'settings']);
	});

	it('leaves nothing where it is removed instead', async () => {
		const modelId = await add({ outputs: AMBIGUOUS });
		await read(modelId);
		await page.ask('models.remove', { modelId });
		expect(readdirSync(folders.models)).toEqual([]);
		expect(existsSync(folders.cards)).toBe(false);
	});
});

it('runs nothing of a file that leaves no doubt, unless it is asked to', async () => {
	const sizes = { name: 'orig_target_sizes', type: 'int64', shape: [1, 2] } as const;
	const modelId = await add({ outputs: SIGNATURES.detrPostprocessed, extras: [sizes] });
	const certain = await read(modelId, { unlessCertain: true });
	expect(certain).toMatchObject({ degree: 'certain', frame: null, best: null });
	expect(certain.readings.map(({ probe }) => probe)).toEqual([null, null]);
	expect((await read(modelId)).readings[0]!.probe).toMatchObject({ shown: 1 });
});

it.each<[string, () => Promise<unknown>, string]>([
	['a model that is none', () => read('nothing'), 'model-not-found'],
	['a model that is no ONNX file', () => read('lookout'), 'model-unreadable'],
	['a video that was not opened', () => read('lookout', { videoId: 'abc' }), 'file-not-found'],
	[
		'a place that is none',
		() =>
			page.ask('models.saveCard', { modelId: 'lookout', change: unchanged(0), place: '/etc' as 'beside' }),
		'bad-argument',
	],
])('refuses %s', async (_, ask, code) => {
	await expect(ask()).rejects.toMatchObject({ code });
});

it('ends the process where the frame is not wanted any more, and says when it ended by itself', async () => {
	const modelId = await add({ outputs: AMBIGUOUS });
	const { worker, said } = scriptedWorker<ProbeExchange>();
	let started: () => void = () => undefined;
	const other = await openPageSide(folders, {
		startProbeWorker: () => {
			setTimeout(() => started());
			return worker;
		},
	});
	const look = () =>
		other
			.ask('models.readings', { modelId, videoId: null, seconds: null, changes: [], unlessCertain: false })
			.catch((error: unknown) => error);
	started = () => void other.ask('models.stopReadings', {});
	expect(await look()).toMatchObject({ code: 'cancelled' });
	started = () => said.exit(null, 'SIGKILL');
	expect(await look()).toMatchObject({ code: 'probe-died' });
	await other.application.close();
});

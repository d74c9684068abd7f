import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COUNTED, CROWD, IGNORED, type GroundTruth } from './ground-truth.ts';
import { readGroundTruth } from './index.ts';

let folder = '';
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'ground-truth-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function read(text: string, name = 'truth'): Promise<GroundTruth> {
	await writeFile(join(folder, name), text);
	return readGroundTruth(join(folder, name));
}

/** Per frame: class name, box and role of each object. */
function plain(truth: GroundTruth): Record<number, [string, number[], number][]> {
	return Object.fromEntries(
		[...truth.frames].map(([frame, { classIndices, boxesXyxy, roles }]) => [
			frame,
			[...classIndices].map((c, i): [string, number[], number] => [
				truth.classNames[c]!,
				[...boxesXyxy.subarray(4 * i, 4 * i + 4)],
				roles[i]!,
			]),
		]),
	);
}

describe('MOT', () => {
	it.each([
		[
			'2015: frames count from 1 and may be empty, confidence 0 is ignored',
			'1,9,499,158,31.5,75.25,1,-4.1,-7.3,0\n3,9,10,20,30,40,0,-1,-1,-1\n3,4,1,2,3,4,1,-1,-1,-1\n',
			{
				0: [['person', [499, 158, 530.5, 233.25], COUNTED]],
				1: [],
				2: [
					['person', [10, 20, 40, 60], IGNORED],
					['person', [1, 2, 4, 6], COUNTED],
				],
			},
		],
		[
			'2016 and later: pedestrians count, distractors are ignored, cars are no people',
			'1,1,0,0,2,4,1,1,0.9\r\n1,2,0,0,2,4,1,8,0.9\r\n1,3,0,0,2,4,1,3,0.9\r\n1,4,0,0,2,4,0,1,0.9\r\n2,3,0,0,2,4,0,3,1\r\n',
			{
				0: [
					['person', [0, 0, 2, 4], COUNTED],
					['person', [0, 0, 2, 4], IGNORED],
					['person', [0, 0, 2, 4], IGNORED],
				],
				1: [],
			},
		],
		[
			'seven columns, spaces, blank lines',
			'\n1, 1, 0, 0, 2, 4, 1\n\n',
			{ 0: [['person', [0, 0, 2, 4], COUNTED]] },
		],
	])('%s', async (_, text, frames) => {
		const truth = await read(text);
		expect(truth).toMatchObject({ format: 'mot', classNames: ['person'], pictureSize: null });
		expect(plain(truth)).toEqual(frames);
	});

	it('a byte order mark is no part of the text', async () => {
		expect((await read('\uFEFF1,1,0,0,2,4,1\n')).frames.size).toBe(1);
		const empty = { images: [{ id: 4 }], annotations: [], categories: [] };
		expect((await read(`\uFEFF${JSON.stringify(empty)}`)).frames.size).toBe(1);
	});

	it('takes length and picture size from seqinfo.ini', async () => {
		await mkdir(join(folder, 'gt'));
		await writeFile(
			join(folder, 'seqinfo.ini'),
			'[Sequence]\nname=x\nseqLength=4\nimWidth=768\nimHeight=576\n',
		);
		const truth = await read('2,1,0,0,2,4,1,-1,-1,-1\n', 'gt/gt.txt');
		expect([...truth.frames.keys()]).toEqual([0, 1, 2, 3]);
		expect(truth.pictureSize).toEqual({ width: 768, height: 576 });
	});
});

describe('COCO', () => {
	const categories = [
		{ id: 18, name: 'dog' },
		{ id: 1, name: 'person' },
	];

	it('keeps classes by name, crowds, ignored objects and empty images', async () => {
		const truth = await read(
			JSON.stringify({
				images: [
					{ id: 7, file_name: 'a/b_0003.jpg', width: 64, height: 48 },
					{ id: 8, file_name: 'a/b_0010.jpg', width: 64, height: 48 },
				],
				annotations: [
					{ id: 1, image_id: 8, category_id: 1, bbox: [1, 2, 3, 4], area: 12, iscrowd: 0 },
					{ id: 2, image_id: 8, category_id: 18, bbox: [0, 0, 9, 9], iscrowd: 1, segmentation: [] },
					{ id: 3, image_id: 8, category_id: 1, bbox: [5, 5, 1, 1], ignore: 1 },
				],
				categories,
			}),
		);
		expect(truth).toMatchObject({ format: 'coco', pictureSize: { width: 64, height: 48 } });
		expect(plain(truth)).toEqual({
			3: [],
			10: [
				['person', [1, 2, 4, 6], COUNTED],
				['dog', [0, 0, 9, 9], CROWD],
				['person', [5, 5, 6, 6], IGNORED],
			],
		});
	});

	it.each([
		['frame_index before the file name', [{ id: 1, file_name: 'f_5.jpg', frame_index: 2 }], [2]],
		['the last number in the file name before the id', [{ id: 1, file_name: 'cam2/x-0012_b.png' }], [12]],
		['a digit in the extension is not a number of the name', [{ id: 3, file_name: 'frame.jp2' }], [3]],
		[
			'the id where a name has no number',
			[
				{ id: 1, file_name: 'f_5.jpg' },
				{ id: 4, file_name: 'other.jpg' },
			],
			[1, 4],
		],
		[
			'the id where names repeat a number',
			[
				{ id: 0, file_name: 'a_5.jpg' },
				{ id: 1, file_name: 'b_5.jpg' },
			],
			[0, 1],
		],
	])('frame of an image: %s', async (_, images, frames) => {
		const truth = await read(JSON.stringify({ images, annotations: [], categories }));
		expect([...truth.frames.keys()]).toEqual(frames);
	});
});

describe('Pascal VOC', () => {
	const object = (name: string, [left, top, right, bottom]: number[], more = '') =>
		`<object><name>${name}</name>${more}<bndbox><xmin>${left}</xmin><ymin>${top}</ymin><xmax>${right}</xmax><ymax>${bottom}</ymax></bndbox></object>`;
	const annotation = (objects: string, width = 64) =>
		`<annotation><folder>x</folder><size><width>${width}</width><height>48</height><depth>3</depth></size>${objects}</annotation>`;

	it('reads all images of the folder, whichever is named', async () => {
		const part =
			'<part><name>head</name><bndbox><xmin>9</xmin><ymin>9</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></part>';
		await writeFile(
			join(folder, 'cam1_0010.xml'),
			annotation(object('dog', [5, 6, 7, 8], '<difficult>1</difficult>')),
		);
		await writeFile(join(folder, 'cam1_0003.xml'), annotation(''));
		await writeFile(join(folder, 'notes.txt'), 'nothing of this');
		const text = `<?xml version="1.0"?>\n${annotation(object('person', [1, 2, 4, 6], part) + object('cat &amp; dog', [0, 0.5, 9, 9]))}`;
		const truth = await read(text, 'cam1_0002.xml');
		expect(truth).toMatchObject({ format: 'voc', pictureSize: { width: 64, height: 48 } });
		expect(plain(truth)).toEqual({
			2: [
				['person', [1, 2, 4, 6], COUNTED],
				['cat & dog', [0, 0.5, 9, 9], COUNTED],
			],
			3: [],
			10: [['dog', [5, 6, 7, 8], IGNORED]],
		});
	});

	it('knows no size where the images differ', async () => {
		await writeFile(join(folder, '1.xml'), annotation('', 32));
		expect((await read(annotation(''), '2.xml')).pictureSize).toBeNull();
	});

	it.each([
		[
			'a box without a side',
			'7.xml',
			object('cat', [1, 2, 3, Number.NaN]),
			/7\.xml: object 1: a number as ymax .* "NaN"/,
		],
		[
			'a box inside out',
			'7.xml',
			object('cat', [5, 2, 3, 4]),
			/object 1: a box whose right .* \(got 5, 2, 3, 4\)/,
		],
		['an object without a name', '7.xml', object('', [1, 2, 3, 4]), /object 1: a name was expected/],
		['a name without a number', 'cat.xml', '', /cat\.xml: a name with the number of the frame/],
	])('says what is wrong: %s', async (_, name, objects, message) => {
		await expect(read(annotation(objects), name)).rejects.toMatchObject({
			code: 'truth-unreadable',
			message: expect.stringMatching(message) as string,
		});
	});
});

describe('bad truth is told with its place, what was expected and what came', () => {
	const image = { id: 1, file_name: '1.jpg' };
	const coco = (change: object): string =>
		JSON.stringify({ images: [image], annotations: [], categories: [{ id: 1, name: 'person' }], ...change });
	it.each([
		['an empty file', '', /truth: a COCO file .* or a MOT text .* was expected \(got an empty file\)\.$/],
		['some other text', 'frame,id\n1,2', /or a MOT text .* was expected \(got "frame,id"\)/],
		[
			'too few columns',
			'1,1,0,0,2,4,1\n1,1,0,0,2,4\n',
			/truth, line 2: frame,id,left.* was expected \(got 6 columns\)/,
		],
		[
			'a word for a number',
			'1,1,0,0,2,4,1\n\n2,1,0,zero,2,4,1\n',
			/line 3: a number in column 4 was expected \(got "zero"\)/,
		],
		[
			'a missing number',
			'1,1,0,0,2,4,1\n2,1,0,,2,4,1\n',
			/line 2: a number in column 4 was expected \(got ""\)/,
		],
		[
			'a frame beyond all measure',
			'4000000000,1,0,0,2,4,1\n',
			/line 1: a frame number from 1 to \d+ was expected/,
		],
		['frame 0', '0,1,0,0,2,4,1\n', /line 1: a frame number from 1 to \d+ was expected \(got 0\)/],
		[
			'a negative width',
			'1,1,0,0,-2,4,1\n',
			/line 1: a width and a height of at least 0 was expected \(got -2 × 4\)/,
		],
		['torn JSON', '{"images": [', /truth: JSON was expected/],
		['other JSON', '{"a": 1}', /truth: images: a COCO field was expected/],
		[
			'a box of three',
			coco({ annotations: [{ image_id: 1, category_id: 1, bbox: [1, 2, 3] }] }),
			/annotations\.0\.bbox/,
		],
		[
			'an unknown image',
			coco({ annotations: [{ image_id: 9, category_id: 1, bbox: [1, 2, 3, 4] }] }),
			/annotations\[0\]\.image_id: the id of an image was expected \(got 9\)/,
		],
		[
			'an unknown category',
			coco({ annotations: [{ image_id: 1, category_id: 9, bbox: [1, 2, 3, 4] }] }),
			/annotations\[0\]\.category_id: the id of a category was expected \(got 9\)/,
		],
		['an image twice', coco({ images: [image, image] }), /a different id for each image was expected/],
	])('%s', async (_, text, message) => {
		await expect(read(text)).rejects.toMatchObject({
			code: 'truth-unreadable',
			message: expect.stringMatching(message) as string,
		});
	});

	it('a folder, and a file that does not exist', async () => {
		await expect(readGroundTruth(folder)).rejects.toMatchObject({ code: 'truth-unreadable' });
		await expect(readGroundTruth(join(folder, 'none'))).rejects.toMatchObject({ code: 'file-not-found' });
	});
});

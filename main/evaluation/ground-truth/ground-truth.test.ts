import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COUNTED, CROWD, IGNORED, type GroundTruth, type TruthOptions } from './ground-truth.ts';
import { readGroundTruth } from './index.ts';

let folder = '';
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'ground-truth-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function read(text: string | Buffer, name = 'truth', options: TruthOptions = {}): Promise<GroundTruth> {
	await writeFile(join(folder, name), text);
	return readGroundTruth(join(folder, name), options);
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

	const rows = [1, 2, 3].map((f) => [f, 7, 10 + f, 20, 30, 50]);
	const lines = (ending: string, delimiter = ',') => rows.map((row) => [...row, ...ending.split(',')].join(delimiter)).join('\n'); // prettier-ignore
	const same = Object.fromEntries(
		rows.map(([f, , left, top]) => [f! - 1, [['person', [left!, top!, left! + 30, top! + 50], COUNTED]]]),
	);
	it.each<[string, string | Buffer, number?]>([
		['a header', `frame,id,bb_left,bb_top,bb_width,bb_height,conf,x,y,z\n${lines('1,-1,-1,-1')}`],
		["a header of motmetrics' names", `FrameId,Id,X,Y,Width,Height,Confidence\n${lines('1')}`],
		['spaces', lines('1,-1,-1,-1', ' ')],
		['tabs', lines('1,-1,-1,-1', '\t')],
		['semicolons', lines('1', ';')],
		['a comma at the end', rows.map((row) => `${row.join(',')},1,-1,-1,-1,`).join('\n')],
		['six columns', rows.map((row) => row.join(',')).join('\n')],
		['eight columns', lines('1,1')],
		['nine columns without a class', lines('1,-1,-1')],
		['ten columns with class and visibility', lines('1,1,0.5,-1')],
		['a position in the world', lines('1,-4.1,2.5,0')],
		['frames from 0, said so', rows.map(([f, ...rest]) => [f! - 1, ...rest].join(',')).join('\n'), 0],
		['UTF-16', Buffer.from(`\uFEFF${lines('1,-1,-1,-1')}`, 'utf16le')],
		['UTF-16 in the other order', Buffer.from(`\uFEFF${lines('1')}`, 'utf16le').swap16()],
		['UTF-16 without a mark', Buffer.from(lines('1'), 'utf16le')],
	])('reads people all the same: %s', async (_, text, firstFrame) => {
		const truth = await read(text, 'truth', firstFrame === undefined ? {} : { firstFrame });
		expect(plain(truth)).toEqual(same);
	});

	it.each([
		[
			'VisDrone: its own classes; regions to ignore and other vehicles for every class',
			'1,1,0,0,20,40,1,1,0,0\n1,2,0,0,20,40,1,4,0,1\n2,3,0,0,20,40,0,9,1,2\n',
			'VisDrone',
			{
				0: [
					['pedestrian', [0, 0, 20, 40], COUNTED],
					['car', [0, 0, 20, 40], COUNTED],
				],
				1: [['bus', [0, 0, 20, 40], IGNORED]],
			},
		],
		[
			'UAVDT: vehicles',
			'1,1,0,0,20,40,1,1,1\n1,2,0,0,20,40,2,4,3\n',
			'UAVDT',
			{
				0: [
					['car', [0, 0, 20, 40], COUNTED],
					['bus', [0, 0, 20, 40], COUNTED],
				],
			},
		],
	])('%s', async (_, text, form, frames) => {
		const truth = await read(text);
		expect(truth).toMatchObject({ form, remarks: [] });
		expect(plain(truth)).toEqual(frames);
	});

	it('VisDrone: a region to ignore is one for every class, and other vehicles are no mistakes', async () => {
		const truth = await read('1,0,0,0,20,40,0,0,0,0\n1,1,0,0,20,40,1,11,0,0\n1,2,0,0,20,40,1,4,0,0\n');
		const { roles } = truth.frames.get(0)!;
		expect([CROWD, IGNORED, COUNTED].map((role) => roles.filter((each) => each === role).length)).toEqual([
			10, 10, 1,
		]);
	});

	it('numbers of classes mean what a labels.txt beside them says', async () => {
		await writeFile(join(folder, 'labels.txt'), 'car\nperson\n');
		const truth = await read('1,1,0,0,20,40,1,1,1\n1,2,5,5,20,40,1,2,0.5\n');
		expect(plain(truth)[0]!.map(([name]) => name)).toEqual(['car', 'person']);
		await expect(read('1,1,0,0,20,40,1,3,1\n')).rejects.toThrow(/line 1: a class from 1 to 2/);
	});

	it('says that nothing names a class, and how many boxes are not scored', async () => {
		expect((await read('1,1,0,0,2,4,1\n')).remarks).toEqual([{ kind: 'all-persons' }]);
		expect((await read('1,1,0,0,2,4,1,3,1\n')).remarks).toEqual([{ kind: 'unscored-boxes', count: 1 }]);
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
		['the number in the file name before the id', [{ id: 1, file_name: 'cam2/x-0012_b.png' }], [12]],
		[
			'the ids where names are hashes that end with digits',
			[
				{ id: 1, file_name: 'cfcd208495d565ef66e7dff9f98764d1.jpg' },
				{ id: 2, file_name: 'c4ca4238a0b923820dcc509a6f758492.jpg' },
			],
			[1, 2],
		],
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

	const HASHES = ['cfcd208495d565ef66e7dff9f98764da', 'c4ca4238a0b923820dcc509a6f75849b', 'c81e728d9d4c2f636f067f89cc14862c']; // prettier-ignore
	it.each([
		['of a hash behind an exported number', (i: number) => `frame_00000${i}_jpg.rf.${HASHES[i]}.xml`],
		['of a camera, the same in all', (i: number) => `cam2_day-03_${i}.xml`],
		['of a time behind the frame', (i: number) => `clip_frame${i}_${40 * i}.xml`],
	])('takes no digits for frames: %s', async (_, name) => {
		for (const i of [0, 1, 2]) await writeFile(join(folder, name(i)), annotation(''));
		const truth = readGroundTruth(join(folder, name(1)));
		expect([...truth.frames.keys()]).toEqual([0, 1, 2]);
	});

	it.each([
		['hashes', (i: number) => `${HASHES[i]}.xml`],
		['two cameras', (i: number) => `cam${i}_000${2 * i}.xml`],
		['several patterns', (i: number) => `${'abc'[i]}_${i}.xml`],
		['one number twice', (i: number) => `frame_${'0'.repeat(i)}1.xml`],
	])('refuses names of no one pattern: %s', async (_, name) => {
		for (const i of [0, 1, 2]) await writeFile(join(folder, name(i)), annotation(''));
		expect(() => readGroundTruth(join(folder, name(1)))).toThrow(
			/by one pattern for all 3 annotations of the folder/,
		);
	});

	it('counts frames from the number that is given', async () => {
		await writeFile(join(folder, '1.xml'), annotation(''));
		const truth = await read(annotation(''), '2.xml', { firstFrame: 1 });
		expect([...truth.frames.keys()]).toEqual([0, 1]);
		expect(truth.remarks).toEqual([{ kind: 'first-frame', number: 1 }]);
	});

	it.each([
		['a DOCTYPE', `<?xml version="1.0"?>\n<!DOCTYPE annotation>\n${annotation(object('cat', [1, 2, 3, 4]))}`],
		[
			'a DOCTYPE with declarations, and a comment',
			`<!DOCTYPE annotation [<!ELEMENT annotation ANY>]><!-- made by hand -->${annotation(object('cat', [1, 2, 3, 4]))}`,
		],
		[
			'attributes before the name',
			annotation(
				object('cat', [1, 2, 3, 4]).replace(
					'<object>',
					'<object><attributes><attribute><name>rotation</name></attribute></attributes>',
				),
			),
		],
		['CDATA', annotation(object('<![CDATA[cat]]>', [1, 2, 3, 4]))],
		['UTF-16', Buffer.from(`\uFEFF${annotation(object('cat', [1, 2, 3, 4]))}`, 'utf16le')],
		[
			'another encoding, declared',
			Buffer.from(
				`<?xml version="1.0" encoding="ISO-8859-1"?>${annotation(object('cat', [1, 2, 3, 4]))}<!--é-->`,
				'latin1',
			),
		],
	])('reads what tools write: %s', async (_, text) => {
		expect(plain(await read(text, '4.xml'))).toEqual({ 4: [['cat', [1, 2, 3, 4], COUNTED]] });
	});

	it('leaves out other XML files and says so', async () => {
		await writeFile(join(folder, 'project.xml'), '<project/>');
		const truth = await read(annotation(''), '4.xml');
		expect([...truth.frames.keys()]).toEqual([4]);
		expect(truth.remarks).toEqual([{ kind: 'other-files', count: 1, example: 'project.xml' }]);
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
		[
			'XML that breaks off',
			'7.xml',
			'<object><name>cat</name>',
			/7\.xml: .* \(got line 1: Unexpected close tag/,
		],
		[
			'an entity of its own',
			'7.xml',
			'<object><name>&bomb;</name></object>',
			/7\.xml: .* \(got line 1: Invalid/,
		],
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
			/truth, line 2: 7 columns, as in the lines above, was expected \(got 6\)/,
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
			'corners, by the header',
			'frame,id,x1,y1,x2,y2\n1,1,0,0,2,4\n',
			/line 1: bbwidth .* name of column 5 .*"x2"/,
		],
		['shares of the picture', '1,1,0.1,0.2,0.3,0.4,1\n', /boxes in pixels.* \(got no width above 1\)/],
		['a label of YOLO', '1 0.5 0.5 0.2 0.2 0.9\n', /a whole number as id was expected \(got 0.5\)/],
		['VisDrone, a picture alone', '684,8,1,4,0,0,0,0\n406,119,1,4,0,0,0,0\n', /boxes in pixels/],
		[
			'classes of nobody knows what',
			'1,1,0,0,2,4,1,77,1\n',
			/in columns 7 to 9 what VisDrone, .* \(got such as 1,77,1\)/,
		],
		['binary data', Buffer.from([0x80, 0xff, 0x31]), /truth: text in UTF-8 or UTF-16 was expected/],
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

	it('a folder, and a file that does not exist', () => {
		expect(() => readGroundTruth(folder)).toThrow(
			expect.objectContaining({ code: 'truth-unreadable' }) as Error,
		);
		expect(() => readGroundTruth(join(folder, 'none'))).toThrow(
			expect.objectContaining({ code: 'file-not-found' }) as Error,
		);
	});
});

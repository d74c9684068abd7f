import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadImage } from '@napi-rs/canvas';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PresenceMap } from '../counting/presence.ts';
import { heatColour } from '../domain/overlay-geometry.ts';
import { identifyVideo } from '../video/identity.ts';
import { probeVideo } from '../video/probe.ts';
import { ffmpeg } from '../video/test-videos.fixture.ts';
import { drawPresence } from './drawing/draw-presence.ts';
import type { ExportRequest } from './format.ts';
import { presence } from './presence.ts';
import { storeSampleRun } from './run.fixture.ts';

describe('the picture of a map', () => {
	const size = { width: 640, height: 480 };
	const grey = new Uint8Array(4 * 640 * 480).map((_, i) => (i % 4 === 3 ? 255 : 128));
	const map: PresenceMap = { cols: 4, rows: 3, levels: Uint8Array.of(0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 9), most: 12 }; // prettier-ignore
	const draw = (opacity: number, changed: Partial<PresenceMap> = {}) => {
		const scene = {
			map: { ...map, ...changed },
			opacity,
			zones: null,
			caption: 'run',
			moment: 'over frame 0',
		};
		const drawn = drawPresence(grey, size, scene);
		const top = Math.round((drawn.size.height - 480) / 2); // a caption above, a legend below
		return {
			...drawn,
			at: (x: number, y: number) => [
				...drawn.rgba.subarray(4 * ((top + y) * drawn.size.width + x)).slice(0, 3),
			],
		};
	};

	it('has the colours of its cells, and leaves the others as the frame is', () => {
		const { at } = draw(1);
		expect(at(240, 240)).toEqual([...heatColour(255)]);
		expect(at(560, 400)).toEqual([...heatColour(9)]);
		expect(at(80, 80)).toEqual([128, 128, 128]);
	});

	it('lets the frame shine through', () => {
		const [red] = draw(0.5).at(240, 240);
		expect(red).toBeCloseTo((128 + heatColour(255)[0]) / 2, -1);
	});

	it('says below how many that is at most', () => {
		const legend = ({ rgba, size: whole }: ReturnType<typeof draw>) => rgba.subarray(4 * whole.width * (whole.height - 20)); // prettier-ignore
		expect(legend(draw(1))).not.toEqual(legend(draw(1, { most: 13 })));
	});
});

describe('of a run', () => {
	let folder: string;
	let request: ExportRequest;
	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), 'sparsight-presence-'));
		const path = join(folder, 'street.mkv');
		// prettier-ignore
		await ffmpeg('-f', 'lavfi', '-i', 'color=gray:s=64x48:r=10,trim=end_frame=12', '-c:v', 'libx264', '-preset', 'ultrafast', path);
		const header = { video: await probeVideo(path), videoIdentity: await identifyVideo(path) };
		const run = await storeSampleRun(join(folder, 'run'), { header });
		request = {
			runs: [run],
			labels: ['run'],
			range: null,
			settings: { opacity: 1 },
			out: join(folder, 'map.png'),
		};
	});
	afterAll(() => rm(folder, { recursive: true, force: true }));

	it.each<[what: string, change: Partial<ExportRequest>, isThere: boolean]>([
		['of all', {}, true],
		[
			'of the walker alone',
			{ search: { dwellSeconds: null, mostAtOnce: null, filter: { classes: [0] } } },
			true,
		],
		[
			'of bicycles, which nobody followed',
			{ search: { dwellSeconds: null, mostAtOnce: null, filter: { classes: [1] } } },
			false,
		],
	])('is a PNG %s', async (_, change, isThere) => {
		// prettier-ignore
		await presence.write({ ...request, ...change });
		const picture = await loadImage(await readFile(request.out));
		expect(picture.width).toBe(64);
		const { createCanvas } = await import('@napi-rs/canvas');
		const pen = createCanvas(picture.width, picture.height).getContext('2d');
		pen.drawImage(picture, 0, 0);
		const { data } = pen.getImageData(0, 20, 64, 48);
		let coloured = false;
		for (let i = 0; i < data.length; i += 4) coloured ||= Math.abs(data[i]! - data[i + 2]!) > 60;
		expect(coloured).toBe(isThere);
	});
});

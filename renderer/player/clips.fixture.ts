import { join } from 'node:path';
import { probeVideo } from '../../main/video/probe.ts';
import { readFrames } from '../../main/video/read-frames.ts';
import { ffmpeg, testPicture, unscaled } from '../../main/video/test-videos.fixture.ts';
import { WHOLE_VIDEO, type VideoInfo } from '../../main/domain/video.ts';

// For tests only: clips that players often get wrong, and how the engine decodes them.

const H264 = [
	'-c:v',
	'libx264',
	'-preset',
	'ultrafast',
	'-pix_fmt',
	'yuv420p',
	'-g',
	'12',
	'-bf',
	'3',
	'-b_strategy',
	'0',
];
// Without it decoders guess the colour matrix, differently.
const TAGGED = ['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709'];
const toBt709 = 'scale=out_color_matrix=bt709';

export type Clip = { name: string; make: (folder: string) => Promise<string> };

function encoded(name: string, file: string, arguments_: string[], size = '160x120'): Clip {
	return {
		name,
		make: async (folder) => {
			const path = join(folder, file);
			await ffmpeg(...testPicture(size, 25, 40), ...arguments_, ...TAGGED, path);
			return path;
		},
	};
}

/** Clips that a browser can play itself; each has at most 40 frames. */
export const CLIPS: Clip[] = [
	encoded('B-frames', 'b-frames.mp4', ['-vf', toBt709, ...H264]),
	encoded('B-frames and no edit list', 'no-edits.mp4', ['-vf', toBt709, '-use_editlist', '0', ...H264]),
	encoded('uneven frame times', 'uneven.mp4', [
		'-vf',
		`${toBt709},select='not(eq(mod(n,5),1))+lt(n,9)',setpts='PTS+gt(N,20)*0.3/TB'`,
		'-fps_mode',
		'passthrough',
		...H264,
	]),
	encoded('uneven frame times in Matroska', 'uneven.mkv', [
		'-vf',
		`${toBt709},select='mod(n,3)'`,
		'-fps_mode',
		'passthrough',
		...H264,
	]),
	encoded('a late start', 'late.mkv', ['-vf', toBt709, '-output_ts_offset', '1.4', ...H264]),
	encoded('a late start in a transport stream', 'late.ts', ['-vf', toBt709, ...H264]),
	encoded('wide pixels', 'wide.mp4', ['-vf', `${toBt709},setsar=4/3`, ...H264]),
	encoded(
		'an odd size',
		'odd.webm',
		['-vf', toBt709, '-c:v', 'libvpx-vp9', '-cpu-used', '8', '-b:v', '400k'],
		'161x121',
	),
	{
		name: 'a quarter turn',
		make: async (folder) => {
			const upright = join(folder, 'upright.mp4');
			const path = join(folder, 'turned.mp4');
			await ffmpeg(...testPicture('160x120', 25, 40), '-vf', toBt709, ...H264, ...TAGGED, upright);
			await ffmpeg('-i', upright, '-c', 'copy', '-metadata:s:v:0', 'rotate=90', path);
			return path;
		},
	},
	{
		name: 'a cut between key frames',
		make: async (folder) => {
			const whole = join(folder, 'whole.mp4');
			const path = join(folder, 'cut.mp4');
			await ffmpeg(...testPicture('160x120', 25, 60), '-vf', toBt709, ...H264, ...TAGGED, whole);
			await ffmpeg('-ss', '0.8', '-i', whole, '-c', 'copy', path);
			return path;
		},
	},
];

export type EngineView = {
	info: VideoInfo;
	times: number[];
	/** Each frame in grey, one byte per block of `block` × `block` pixels; as in the harness. */
	grey: Uint8Array[];
	block: number;
};

/** What the engine decodes, which players must match. */
export async function engineView(path: string): Promise<EngineView> {
	const info = await probeVideo(path);
	const { width, height } = info.displaySize;
	const block = Math.max(1, Math.ceil(width / 160));
	const columns = Math.floor(width / block);
	const rows = Math.floor(height / block);
	const times: number[] = [];
	const grey: Uint8Array[] = [];
	const letterbox = unscaled(info.displaySize);
	for await (const frame of readFrames(info, { range: WHOLE_VIDEO, letterbox, format: 'rgb24' })) {
		const sums = new Float64Array(columns * rows);
		const { pixels } = frame;
		for (let y = 0; y < rows * block; y++) {
			const row = Math.floor(y / block) * columns;
			for (let x = 0; x < columns * block; x++) {
				const at = 3 * (y * width + x);
				const grey = 0.299 * pixels[at]! + 0.587 * pixels[at + 1]! + 0.114 * pixels[at + 2]!;
				sums[row + Math.floor(x / block)]! += grey;
			}
		}
		times.push(frame.timeSeconds);
		grey.push(Uint8Array.from(sums, (sum) => Math.round(sum / (block * block))));
	}
	return { info, times, grey, block };
}

/** Mean absolute difference of two pictures, 0 to 255. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
	if (a.length !== b.length)
		throw new Error(`Pictures of ${a.length} and ${b.length} blocks cannot be compared.`);
	let sum = 0;
	for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
	return sum / a.length;
}

import { describe, expect, it } from 'vitest';
import { WHOLE_VIDEO } from '../domain/video.ts';
import {
	describeArgs,
	encodeCommand,
	fileUrl,
	frameTimesCommand,
	packetsCommand,
	probeArgs,
	readFramesCommand,
} from './ffmpeg-args.ts';

const letterbox = {
	displaySize: { width: 1920, height: 1080 },
	contentSize: { width: 640, height: 360 },
	inputSize: { width: 640, height: 384 },
	fill: 7,
};
const reading = { range: WHOLE_VIDEO, startAfterFrame: -1, letterbox, format: 'rgb24', seek: null } as const;
const audio = { path: '-x', fromSeconds: 100, toSeconds: 101 };
const encoding = {
	encoder: 'libx264',
	crf: 20,
	keyFrameEvery: null,
	path: '-y',
	size: { width: 2, height: 2 },
	lastFrameSeconds: 0.04,
	audio,
};

/** What follows `name` in a list of arguments. */
function valueOf(args: string[], name: string): string | undefined {
	const at = args.indexOf(name);
	return at < 0 ? undefined : args[at + 1];
}

describe('no file name can become an option, a protocol or another file', () => {
	it.each([
		['times', frameTimesCommand('-x').inputs],
		['frames', readFramesCommand('-x', reading).inputs],
		['packets', packetsCommand('-x', 'h264').inputs],
		['sound', encodeCommand(encoding).inputs],
	])('%s: every input may reach files and pipes only, and is named as a file or the pipe', (_, inputs) => {
		for (const { options, source } of inputs) {
			expect(valueOf(options, '-protocol_whitelist')).toBe('file,pipe');
			expect(['file:-x', 'pipe:0']).toContain(source);
		}
	});

	it.each([
		['ffmpeg', describeArgs('-x')],
		['ffprobe', probeArgs('-x')],
	])('asking %s about a file', (_, args) => {
		expect(valueOf(args, '-protocol_whitelist')).toBe('file,pipe');
		expect(valueOf(args, '-i')).toBe(fileUrl('-x'));
	});

	it('the file to write', () => expect(encodeCommand(encoding).target).toBe('file:-y'));
});

describe('each decoded frame comes once and at its own time', () => {
	it.each([
		['times', frameTimesCommand('x')],
		['frames', readFramesCommand('x', reading)],
	])('%s', (_, { options, inputs }) => {
		expect(valueOf(options, '-fps_mode')).toBe('passthrough');
		expect(options).toContain('-copyts');
		expect(valueOf(options, '-map')).toBe('0:V:0'); // no cover pictures
		expect(valueOf(inputs[0]!.options, '-reinit_filter')).toBe('0');
		expect(valueOf(options, '-vf')).toMatch(/^showinfo=checksum=0(,|$)/); // before anything that drops frames
	});
});

describe('the filters of a reading', () => {
	const filters = (change: Partial<Parameters<typeof readFramesCommand>[1]>) =>
		valueOf(readFramesCommand('x', { ...reading, ...change }).options, '-vf');

	it('scales, converts, then pads in RGB', () => {
		expect(filters({})).toBe(
			'showinfo=checksum=0,scale=640:360:flags=bilinear,format=rgb24,pad=640:384:0:0:color=0x070707FF',
		);
	});

	it('pads nothing where nothing is to be padded', () => {
		const exact = { ...letterbox, contentSize: letterbox.inputSize };
		expect(filters({ letterbox: exact, format: 'rgba' })).toBe(
			'showinfo=checksum=0,scale=640:384:flags=bilinear,format=rgba',
		);
	});

	it.each([
		['fine-bilinear', 'bilinear+full_chroma_int'],
		['fine-bicubic', 'bicubic+full_chroma_int'],
		['fine-lanczos', 'lanczos+full_chroma_int'],
		['nearest', 'neighbor+full_chroma_int'],
	] as const)('resamples %s', (resampling, flags) => {
		expect(filters({ letterbox: { ...letterbox, resampling } })).toContain(`scale=640:360:flags=${flags},`);
	});

	it('drops frames outside the range before it scales them', () => {
		const range = { from: { frame: 10 }, to: { frame: 20 }, every: 3 };
		expect(filters({ range, startAfterFrame: 13 })).toContain(
			"checksum=0,select='if(gte(n,10)*lte(n,20),not(mod(st(0,ld(0)+1)-1,3))*gt(n,13),gt(n,20))',scale",
		);
	});
});

it('behind a jump frames are counted from the first wanted one, which its time in ticks tells', () => {
	const range = { from: { frame: 10 }, to: { frame: 20 }, every: 3 };
	const seek = { seekSeconds: 0.25, expectedSeconds: [], firstIndex: 14, firstTicks: 700, framesBefore: 4 };
	const { inputs, options } = readFramesCommand('x', { ...reading, range, startAfterFrame: 13, seek });
	expect(Number(valueOf(inputs[0]!.options, '-ss'))).toBe(0.25);
	expect(inputs[0]!.options).toContain('-noaccurate_seek'); // ffmpeg must not drop what lies before
	const counted =
		'gte(ld(1)+13,10)*lte(ld(1)+13,20),not(mod(st(0,ld(0)+1)-1+4,3))*gt(ld(1)+13,13),gt(ld(1)+13,20)';
	expect(valueOf(options, '-vf')).toContain(`,select='if(gte(pts,700),st(1,ld(1)+1);if(${counted}))',scale`);
});

it("sound far into a file is reached by a jump in the file's own clock, and cut exactly", () => {
	const { inputs, options } = encodeCommand(encoding);
	expect(Number(valueOf(inputs[1]!.options, '-ss'))).toBe(95);
	expect(inputs[1]!.options).toContain('-noaccurate_seek');
	expect(valueOf(inputs[1]!.options, '-seek_timestamp')).toBe('1');
	expect(valueOf(options, '-af')).toMatch(/^atrim=start=100:end=101,asetpts=PTS-\(100\)\/TB,/);
});

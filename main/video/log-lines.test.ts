import { describe, expect, it } from 'vitest';
import { FrameLog } from './frame-log.ts';
import { isLostFrameLine, parseClockLine, parseDamageLine, parseFrameLine } from './log-lines.ts';

// Lines as ffmpeg 5.1 and 9.0 wrote them.

describe('the line of a decoded frame', () => {
	it.each([
		[
			'5.1',
			'[Parsed_showinfo_0 @ 0x564b0be3f600] [info] n:   2 pts:      2 pts_time:0.2     pos:    88336 fmt:yuv420p sar:0/1 s:768x576 i:P iskey:0 type:P ',
			2,
		],
		[
			'5.1 without level',
			'[Parsed_showinfo_0 @ 0x564b0be3f600] n:  10 pts:     10 pts_time:1       pos:   247834 fmt:yuv420p',
			10,
		],
		[
			'9.0',
			'[Parsed_showinfo_0 @ 0x7f1a54001b80] [info] n:   0 pts:      0 pts_time:0       duration:     40 duration_time:0.04    fmt:yuv420p cl:unspecified sar:1/1 s:320x180 i:P iskey:1 type:I ',
			0,
		],
		[
			'a time before zero',
			'[Parsed_showinfo_0 @ 0x5] [info] n:   0 pts:  -1024 pts_time:-0.08   fmt:yuv420p',
			-1024,
		],
		[
			'a time of many digits',
			'[Parsed_showinfo_0 @ 0x5] [info] n:99999 pts:8589934592 pts_time:95443.7 fmt:yuv420p',
			8589934592,
		],
		['no time', '[Parsed_showinfo_0 @ 0x5] [info] n:   0 pts: NOPTS pts_time:NOPTS   fmt:yuv420p', null],
	])('%s', (_, line, ticks) => expect(parseFrameLine(line)).toEqual({ ticks }));

	it.each([
		'[Parsed_showinfo_0 @ 0x564b0be3f600] [info] color_range:unknown color_space:unknown',
		'[info]   Stream #0:0: Video: msmpeg4v3 (div3 / 0x33766964), yuv420p, 768x576, 816 kb/s, 10 fps, 10 tbr, 10 tbn',
		'[info]     title           : n: 1 pts: 5 pts_time:5',
	])('%s is none', (line) => expect(parseFrameLine(line)).toBeNull());
});

it.each([
	['[Parsed_showinfo_0 @ 0x1] [info] config in time_base: 1/1000, frame_rate: 25/1', 1 / 1000, 25],
	[
		'[Parsed_showinfo_0 @ 0x1] [info] config in time_base: 1/30000, frame_rate: 30000/1001',
		1 / 30000,
		30000 / 1001,
	],
	['[Parsed_showinfo_0 @ 0x1] [info] config in time_base: 1/90000, frame_rate: 1/0', 1 / 90000, null],
])('the clock of %s', (line, secondsPerTick, framesPerSecond) => {
	expect(parseClockLine(line)).toEqual({ secondsPerTick, framesPerSecond });
	expect(parseClockLine(line.replace(' in ', ' out '))).toBeNull();
});

describe('what is said of damage', () => {
	const lines: { line: string; lost: boolean; damage: string | null }[] = [
		{
			line: '[error] Error while decoding stream #0:0: Invalid data found when processing input',
			lost: true,
			damage: 'Error while decoding stream #0:0: Invalid data found when processing input',
		},
		{
			line: '[vist#0:0/h264 @ 0x55609ae56ec0] [dec:h264 @ 0x55609aedca40] [error] Error submitting packet to decoder: Invalid data found when processing input',
			lost: true,
			damage:
				'vist#0:0/h264: dec:h264: Error submitting packet to decoder: Invalid data found when processing input',
		},
		{
			line: '[h264 @ 0x55609aee3f80] [error] Error splitting the input into NAL units.',
			lost: false,
			damage: 'h264: Error splitting the input into NAL units.',
		},
		{
			line: '[mpeg4 @ 0x55bb47673dc0] [info] concealing 160 DC, 160 AC, 160 MV errors in P frame',
			lost: false,
			damage: 'mpeg4: concealing 160 DC, 160 AC, 160 MV errors in P frame',
		},
		{
			line: '[warning] file:bad-ok.avi: corrupt decoded frame in stream 0',
			lost: false,
			damage: 'file:bad-ok.avi: corrupt decoded frame in stream 0',
		},
		{
			line: '[mov,mp4,m4a,3gp,3g2,mj2 @ 0x55d55f28ea80] [warning] Packet corrupt (stream = 0, dts = 14848).',
			lost: false,
			damage: 'mov,mp4,m4a,3gp,3g2,mj2: Packet corrupt (stream = 0, dts = 14848).',
		},
		{
			line: '[matroska,webm @ 0x556271746a80] [error] File ended prematurely',
			lost: false,
			damage: 'matroska,webm: File ended prematurely',
		},
		{ line: '[info] Stream mapping:', lost: false, damage: null },
		{
			line: '[swscaler @ 0x5] [warning] deprecated pixel format used, make sure you did set range correctly',
			lost: false,
			damage: null,
		},
		{ line: '[info]     title           : a corrupt title', lost: false, damage: null },
		{ line: '', lost: false, damage: null },
	];

	it.each(lines)('$line', ({ line, lost, damage }) => {
		expect(isLostFrameLine(line)).toBe(lost);
		expect(parseDamageLine(line)).toBe(damage);
	});
});

describe('the log of a reading', () => {
	const clock = '[Parsed_showinfo_0 @ 0x1] [info] config in time_base: 1/25, frame_rate: 25/1';
	const frame = (ticks: number | string) =>
		`[Parsed_showinfo_0 @ 0x1] [info] n:   0 pts: ${ticks} pts_time:0 fmt:x`;
	const refused = '[error] Error while decoding stream #0:0: Invalid data found when processing input';
	const torn =
		'[matroska,webm @ 0x5] [error] Element at 0xdd29 ending at 0x23839af exceeds containing master element';
	const cut = '[mov,mp4 @ 0x5] [error] stream 0, offset 0x190f8: partial file';
	const upTo = (count: number) => Array.from({ length: count }, (_, i) => frame(i));

	function logOf(lines: string[]): { log: FrameLog; times: number[] } {
		const times: number[] = [];
		const log = new FrameLog((index, timeSeconds) => (times[index] = timeSeconds));
		for (const line of lines) log.readLine(line);
		return { log, times };
	}

	it('gives each frame its index and ticks × clock', () => {
		expect(logOf([clock, frame(-2), frame(0), frame(50)]).times).toEqual([-0.08, 0, 2]);
	});

	it('gives frames without a time the one after the last, by the claimed rate', () => {
		expect(logOf([clock, frame('NOPTS'), frame('NOPTS'), frame(10), frame('NOPTS')]).times).toEqual([
			0, 0.04, 0.4, 0.44,
		]);
	});

	const mp4 = (estimatedFrames: number | null) => ({ container: 'mov,mp4', estimatedFrames });
	it.each([
		{
			proves: 'nothing said, nothing lost, whatever is claimed',
			lines: [clock, ...upTo(40)],
			video: mp4(50),
			lost: 0,
		},
		{
			proves: 'a hole without damage is a variable rate',
			lines: [clock, ...upTo(40), frame(60)],
			video: mp4(61),
			lost: 0,
		},
		{
			proves: 'refused packets',
			lines: [clock, ...upTo(40), refused, refused, frame(42)],
			video: mp4(43),
			lost: 2,
		},
		{ proves: 'holes beside damage', lines: [clock, ...upTo(40), torn, frame(46)], video: mp4(47), lost: 6 },
		{
			proves: 'holes of an uneven file tell nothing',
			lines: [clock, ...upTo(5), torn, frame(8), frame(12), frame(13)],
			video: mp4(14),
			lost: 0,
		},
		{
			proves: 'the missing end of a file that is cut off',
			lines: [clock, ...upTo(40), cut],
			video: mp4(50),
			lost: 10,
		},
		{ proves: 'but not where reading ended before', lines: [clock, ...upTo(40), cut], video: null, lost: 0 },
		{
			proves: 'avi counts frames, and what was dropped with them',
			lines: [clock, ...upTo(40), torn],
			video: { container: 'avi', estimatedFrames: 43 },
			lost: 3,
		},
	])('$proves', ({ lines, video, lost }) => expect(logOf(lines).log.countLost(video)).toBe(lost));

	it('keeps the first five different warnings', () => {
		const lines = Array.from({ length: 20 }, (_, i) => `[h264 @ 0x1] [error] trouble ${i >> 1}`);
		expect(logOf(lines).log.warnings).toEqual([0, 1, 2, 3, 4].map((i) => `h264: trouble ${i}`));
	});
});

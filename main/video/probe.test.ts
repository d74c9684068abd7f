import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { probeVideo } from './probe.ts';
import { displaySize, parseFfmpegDescription, parseProbeJson } from './stream-description.ts';
import { ffmpeg, withFolder } from './test-videos.fixture.ts';

afterEach(() => {
	vi.unstubAllEnvs();
	vi.resetModules();
});

describe('what is not a video is refused by name, each in its own way', () => {
	const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=25:d=0.2'];
	const rows: { name: string; make: (path: string) => Promise<unknown>; code: string; words: string }[] = [
		{
			name: 'none.mp4',
			make: () => Promise.resolve(),
			code: 'file-not-found',
			words: 'there is no such file',
		},
		{ name: 'folder.mp4', make: (path) => mkdir(path), code: 'file-unreadable', words: 'this is a folder' },
		{
			name: 'empty.mp4',
			make: (path) => writeFile(path, ''),
			code: 'not-a-video',
			words: 'the file is empty',
		},
		{
			name: 'noise.mp4',
			make: (path) => writeFile(path, Buffer.alloc(9000, 'q7')),
			code: 'not-a-video',
			words: 'a video was expected',
		},
		{
			name: 'text.txt',
			make: (path) => writeFile(path, 'Some words.\n'.repeat(99)),
			code: 'not-a-video',
			words: 'a video was expected',
		},
		{
			name: 'still.png',
			make: (path) => ffmpeg(...picture, '-frames:v', '1', path),
			code: 'not-a-video',
			words: 'ffmpeg takes it for',
		},
		{
			name: 'still.jpg',
			make: (path) => ffmpeg(...picture, '-frames:v', '1', path),
			code: 'not-a-video',
			words: 'ffmpeg takes it for',
		},
		{
			name: 'sound.wav',
			make: (path) => ffmpeg('-f', 'lavfi', '-i', 'sine=d=0.2', path),
			code: 'no-video-stream',
			words: 'only sound',
		},
		{
			name: 'head.mkv',
			make: (path) => ffmpeg(...picture, '-vf', 'select=0', '-c:v', 'mpeg4', path),
			code: 'no-frames',
			words: 'ends after its header',
		},
	];

	it.each(rows)('$name', ({ name, make, code, words }) =>
		withFolder(async (folder) => {
			const path = join(folder, name);
			await make(path);
			await expect(probeVideo(path)).rejects.toMatchObject({
				code,
				message: expect.stringMatching(new RegExp(`^${path}: .*${words}.*\\.$`)) as string,
			});
		}),
	);

	it('a song with a cover picture has no video', () =>
		withFolder(async (folder) => {
			const [cover, path] = [join(folder, 'cover.png'), join(folder, 'song.mp4')];
			await ffmpeg(...picture, '-frames:v', '1', cover);
			const song = ['-f', 'lavfi', '-i', 'sine=d=0.2', '-i', cover, '-map', '0', '-map', '1'];
			await ffmpeg(...song, '-c:a', 'aac', '-c:v', 'copy', '-disposition:v', 'attached_pic', path);
			await expect(probeVideo(path)).rejects.toMatchObject({ code: 'no-video-stream' });
		}));

	it('a recording that was cut off before its index says so', () =>
		withFolder(async (folder) => {
			const path = join(folder, 'cut.mp4');
			await ffmpeg(...picture, '-c:v', 'libx264', path);
			const bytes = await readFile(path);
			await writeFile(path, bytes.subarray(0, bytes.length >> 1));
			await expect(probeVideo(path)).rejects.toMatchObject({
				code: 'decode-failed',
				message: expect.stringContaining('cut off before its index') as string,
			});
		}));
});

it('a list of network sources is not followed', () =>
	withFolder(async (folder) => {
		const path = join(folder, 'list.m3u8');
		await writeFile(
			path,
			'#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n',
		);
		const error = await probeVideo(path).catch((thrown: unknown) => thrown);
		expect(error).toMatchObject({ name: 'UserFacingError' });
		expect(String((error as Error).cause)).not.toMatch(/connection refused/i);
	}));

it.each(['-v.mp4', 'a:b.mp4', '100%d.mp4', "it's; $(touch x).mp4", 'ünï 視頻.mp4'])(
	'the name %s means only itself',
	(name) =>
		withFolder(async (folder) => {
			const path = join(folder, name);
			await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=25:d=0.2', '-c:v', 'mpeg4', `file:${path}`);
			expect(await probeVideo(path)).toMatchObject({
				path,
				codec: 'mpeg4',
				codedSize: { width: 64, height: 48 },
			});
		}),
);

it('without ffprobe, ffmpeg alone tells the same', () =>
	withFolder(async (folder) => {
		const path = join(folder, 'a.mp4');
		const sound = ['-f', 'lavfi', '-i', 'sine=d=2'];
		const coding = ['-vf', 'setsar=16/15', '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-c:a', 'aac'];
		const tags = [
			'-movflags',
			'use_metadata_tags',
			'-metadata',
			'com.apple.quicktime.creationdate=2023-05-01T21:34:56+0900',
		];
		const recorded = ['-metadata', 'creation_time=2023-05-01T12:34:58Z', ...tags];
		const source = ['-f', 'lavfi', '-i', 'testsrc2=s=90x64:r=30000/1001:d=2'];
		await ffmpeg(...source, ...sound, ...coding, ...recorded, path);
		const byFfprobe = await probeVideo(path);

		vi.resetModules();
		vi.doMock('./ffmpeg-binary.ts', () => ({
			findFfmpeg: () => Promise.resolve({ ffmpeg: 'ffmpeg', ffprobe: null, version: '', source: 'path' }),
		}));
		const byFfmpeg = await (await import('./probe.ts')).probeVideo(path);
		vi.doUnmock('./ffmpeg-binary.ts');

		// ffmpeg prints rates with two digits, and counts no frames.
		expect(byFfmpeg.nominalFramesPerSecond).toBe(29.97);
		expect(byFfmpeg.durationSeconds).toBeCloseTo(byFfprobe.durationSeconds!, 1);
		expect(byFfmpeg.estimatedFrames).toBe(byFfprobe.estimatedFrames);
		// The tag that knows its zone comes before the one that doesn't.
		expect(byFfprobe.recordedAt).toBe('2023-05-01T21:34:56+09:00');
		const { nominalFramesPerSecond, durationSeconds } = byFfprobe;
		expect({ ...byFfmpeg, nominalFramesPerSecond, durationSeconds }).toEqual(byFfprobe);
	}));

it.each([
	['2023-05-01T12:34:56.000000Z', '2023-05-01T12:34:56.000000Z'],
	['2023-05-01 12:34:56', '2023-05-01T12:34:56Z'],
	['a clock that was never set', null, '1970-01-01T00:00:00.000000Z'],
	['the beginning of QuickTime’s era', null, '1904-01-01T00:00:00.000000Z'],
	['no time', null, 'yesterday'],
	['no day', null, '2023-02-31T99:00:00Z'],
])('recorded at %s', (told, expected, tag = told) => {
	const json = JSON.stringify({ format: { format_name: 'mov', tags: { creation_time: tag } }, streams: [] });
	expect(parseProbeJson(json)?.recordedAt).toBe(expected);
});

describe('what `ffmpeg -i` prints', () => {
	const print = (lines: string) => `Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:x.mp4':\n${lines}`;

	it('5.1, turned, with sound', () => {
		const log = print(`  Metadata:
    title           : Stream #0:0: Video: not this, 1x1
  Duration: 01:02:03.50, start: 1.400000, bitrate: 135 kb/s
  Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709, progressive), 320x180 [SAR 4:3 DAR 64:27], 128 kb/s, 29.97 fps, 29.97 tbr, 30k tbn (default)
    Metadata:
      handler_name    : VideoHandler
    Side data:
      displaymatrix: rotation of -90.00 degrees
  Stream #0:1[0x2](und): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, mono, fltp, 69 kb/s (default)
At least one output file must be specified`);
		expect(parseFfmpegDescription(log)).toEqual({
			container: 'mov,mp4,m4a,3gp,3g2,mj2',
			hasAudio: true,
			recordedAt: null,
			stream: {
				codec: 'h264',
				pixelFormat: 'yuv420p',
				codedSize: { width: 320, height: 180 },
				sampleAspectRatio: 4 / 3,
				rotationDegrees: 90,
				startSeconds: 1.4,
				durationSeconds: 3723.5,
				framesPerSecond: 29.97,
				claimedFrames: null,
			},
		});
	});

	it('a cover picture before the video is not the video; unknown lengths are null', () => {
		const log = print(`  Duration: N/A, bitrate: N/A
  Stream #0:0: Video: png, rgba(pc), 640x480, 90k tbr, 90k tbn (attached pic)
  Stream #0:1: Video: msmpeg4v3 (div3 / 0x33766964), yuv420p, 768x576, 1k fps, 10 tbr, 10 tbn`);
		expect(parseFfmpegDescription(log)).toMatchObject({
			hasAudio: false,
			stream: {
				codec: 'msmpeg4v3',
				codedSize: { width: 768, height: 576 },
				durationSeconds: null,
				framesPerSecond: 1000,
			},
		});
	});

	it.each([
		['only sound', print('  Stream #0:0: Audio: pcm_s16le, 44100 Hz'), { hasAudio: true, stream: null }],
		['not recognised', 'file:x: Invalid data found when processing input', null],
	])('%s', (_, log, expected) => {
		if (expected === null) expect(parseFfmpegDescription(log)).toBeNull();
		else expect(parseFfmpegDescription(log)).toMatchObject(expected);
	});
});

describe('what ffprobe answers', () => {
	const answer = (stream: object) =>
		JSON.stringify({ format: { format_name: 'x' }, streams: [{ codec_type: 'video', ...stream }] });

	it.each([
		[-90, 90],
		[90, 270],
		[180, 180],
		[-180, 180],
		[-270, 270],
		[0, 0],
		[-89.5, 90],
		[30, 0],
	])('a matrix that turns %d degrees against the clock is a turn of %d', (rotation, expected) => {
		const parsed = parseProbeJson(answer({ side_data_list: [{}, { rotation }] }));
		expect(parsed?.stream?.rotationDegrees).toBe(expected);
	});

	it.each([
		['0:1', 1],
		['N/A', 1],
		['16:15', 16 / 15],
		['1:2', 0.5],
	])('a sample aspect ratio of %s is %d', (sample_aspect_ratio, expected) => {
		expect(parseProbeJson(answer({ sample_aspect_ratio }))?.stream?.sampleAspectRatio).toBe(expected);
	});

	it('takes what the stream does not say from the file, and null for what nobody says', () => {
		const json = JSON.stringify({
			format: { format_name: 'x', start_time: '1.5', duration: '4.0' },
			streams: [{ codec_type: 'video', avg_frame_rate: '0/0', r_frame_rate: '25/1', nb_frames: 'N/A' }],
		});
		expect(parseProbeJson(json)?.stream).toMatchObject({
			startSeconds: 1.5,
			durationSeconds: 4,
			framesPerSecond: 25,
			claimedFrames: null,
		});
		expect(parseProbeJson('')).toBeNull();
		expect(parseProbeJson('{\n\n}\n')).toBeNull();
	});
});

it.each([
	[{ width: 720, height: 576 }, 16 / 15, 0, { width: 768, height: 576 }],
	[{ width: 720, height: 480 }, 8 / 9, 0, { width: 720, height: 540 }],
	[{ width: 97, height: 63 }, 1, 0, { width: 97, height: 63 }],
	[{ width: 720, height: 576 }, 16 / 15, 90, { width: 576, height: 768 }],
	[{ width: 320, height: 180 }, 1, 270, { width: 180, height: 320 }],
	[{ width: 320, height: 180 }, 1, 180, { width: 320, height: 180 }],
])('%o with pixels of %d turned by %d is shown as %o', (coded, ratio, turn, expected) => {
	expect(displaySize(coded, ratio, turn)).toEqual(expected);
});

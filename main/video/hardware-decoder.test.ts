import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { findFfmpeg } from './ffmpeg-binary.ts';
import { hardwareDecoder } from './hardware-decoder.ts';
import { probeVideo } from './probe.ts';
import { ffmpeg, readAll, testPicture, withFolder } from './test-videos.fixture.ts';

/** What ffmpeg with a device does, in the shell, with `rest` for its arguments without the device's. */
const DEVICES: Record<string, { shell: string; chosen: string | null }> = {
	'gives the same frames': { shell: '', chosen: 'vaapi' },
	'gives other frames': { shell: 'rest=("${rest[@]/first.mp4/second.mp4}")', chosen: null },
	fails: { shell: 'exit 1', chosen: null },
};

it.each(Object.entries(DEVICES))('a device that %s', async (_, { shell, chosen }) => {
	await withFolder(async (folder) => {
		const [first, second] = [join(folder, 'first.mp4'), join(folder, 'second.mp4')];
		await ffmpeg(...testPicture('64x48', 10, 12), '-pix_fmt', 'yuv420p', first);
		await ffmpeg(...testPicture('64x48', 10, 12), '-vf', 'negate', '-pix_fmt', 'yuv420p', second);
		const program = join(folder, 'ffmpeg');
		const { ffmpeg: real } = await findFfmpeg();
		const lines = [
			'#!/usr/bin/env bash',
			`case "$*" in *-hwaccels*) printf "Hardware acceleration methods:\\nvdpau\\nvaapi\\n"; exit;; *"-hwaccel vaapi"*) ;; *) exec "${real}" "$@";; esac`,
			'rest=(); skip=0',
			'for word in "$@"; do if [ $skip = 1 ]; then skip=0; elif [ "$word" = -hwaccel ]; then skip=1; else rest+=("$word"); fi; done',
			`echo used >> "${folder}/device.log"`,
			shell,
			`exec "${real}" "\${rest[@]}"`,
		];
		writeFileSync(program, lines.join('\n'));
		chmodSync(program, 0o755);
		const video = await probeVideo(first);
		const plain = await readAll(video, {}, (pixels) => pixels.slice());
		vi.stubEnv('SPARSIGHT_FFMPEG', program);
		vi.stubEnv('SPARSIGHT_HWACCEL', 'vaapi');
		try {
			expect(await hardwareDecoder(video)).toBe(chosen);
			const read = await readAll(video, { onDevice: true }, (pixels) => pixels.slice());
			expect(read.frames).toEqual(plain.frames);
			expect(read.summary.hardware).toBe(chosen);
			const uses = readFileSync(join(folder, 'device.log'), 'utf8').split('\n').length - 1;
			expect(uses).toBe(chosen === null ? 2 : 3);
			// One that was cancelled decides nothing, and starts nothing on the device.
			expect(await hardwareDecoder(video, AbortSignal.abort())).toBeNull();
			expect(readFileSync(join(folder, 'device.log'), 'utf8').split('\n').length - 1).toBe(uses);
			vi.stubEnv('SPARSIGHT_HWACCEL', 'off');
			expect(await hardwareDecoder(video)).toBeNull();
		} finally {
			vi.unstubAllEnvs();
		}
	});
});

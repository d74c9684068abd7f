import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { installationFolder } from '../process/installation.ts';
import { SOFTWARE_VULKAN } from './software-vulkan.fixture.ts';

const PROGRAM = join(installationFolder(), 'out', 'main', 'bench-device.js');
const folder = mkdtempSync(join(tmpdir(), 'sparsight-device-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the device proofs in a process of their own; gives how it ended and what it proved. */
async function prove(parts: string, more: readonly string[] = []) {
	const out = join(folder, parts);
	// Its own attention is wrong there, as another test shows.
	const words = ['--expose-gc', PROGRAM, '--attention', 'plain', '--parts', parts, '--out', out, ...more];
	const code = await new Promise<number | string | null>((resolve) => {
		const child = execFile(process.execPath, words, { env: { ...process.env, ...SOFTWARE_VULKAN } }, () =>
			resolve(child.exitCode ?? child.signalCode),
		);
	});
	const { proven } = JSON.parse(readFileSync(join(out, 'webgpu.json'), 'utf8')) as {
		proven: Record<string, boolean>;
	};
	return { code, proven };
}

it.skipIf(process.platform !== 'linux')('a provider without a device is told of in one line', async () => {
	const words = [PROGRAM, '--provider', 'webgpu', '--out', join(folder, 'none')];
	const env = { ...process.env, VK_ICD_FILENAMES: '/dev/null' };
	const { code, stdout, stderr } = await new Promise<{
		code: number | null;
		stdout: string;
		stderr: string;
	}>((resolve) => {
		const child = execFile(process.execPath, words, { env }, (_, stdout, stderr) =>
			resolve({ code: child.exitCode, stdout, stderr }),
		);
	});
	expect(code).toBe(1);
	expect(stdout).toMatch(/^webgpu does not work here: .*adapter.*\n$/);
	expect(stderr).not.toMatch(/^\s+at .*\.js/m);
});

// Slow, for the device is made of software: `bench/gpu.sh --software` does the same over 200 frames and 5,000 runs.
describe.skipIf(!SOFTWARE_VULKAN)('on a device', { timeout: 240_000 }, () => {
	it('dense, token cache and sparse answer as on the processor, with every node there', async () => {
		expect(await prove('parity', ['--frames', '4'])).toEqual({
			code: 0,
			proven: {
				'dense as on the processor, largest difference': true,
				'dense with every node on the device': true,
				'token-cache as on the processor, largest difference': true,
				'token-cache with every node on the device': true,
				'sparse as on the processor, largest difference': true,
				'sparse with every node on the device': true,
			},
		});
	});

	it('two runs at a time, releases in any order and failures in the middle come out well', async () => {
		expect(await prove('traps')).toEqual({
			code: 0,
			proven: {
				twoAtATime: true,
				writesWhereItLies: true,
				outlives: true,
				opensAgain: true,
				tellsOfLoss: true,
			},
		});
	});
});

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PlacementProfile } from './node-placement.ts';

const node = (provider: string, op_name: string) => ({ cat: 'Node', args: { provider, op_name } });
const PROFILE = JSON.stringify([
	{ cat: 'Session' },
	node('WebGpuExecutionProvider', 'MatMul'),
	node('CPUExecutionProvider', 'Round'),
	node('CPUExecutionProvider', 'Mod'),
	node('CPUExecutionProvider', 'Round'),
]);

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'sparsight-profiles-'));
	vi.stubEnv('TMPDIR', folder);
});
afterEach(() => {
	vi.unstubAllEnvs();
	rmSync(folder, { recursive: true, force: true });
});

describe('the profile of a session', () => {
	it.each([
		['names what the processor computed', PROFILE, ['Mod', 'Round']],
		['tells nothing where a full disk cut it short', PROFILE.slice(0, 90), []],
		['tells nothing where it was not written', null, []],
	])('%s', async (_, text, operators) => {
		const profile = (await PlacementProfile.create())!;
		if (text !== null) writeFileSync(`${profile.prefix}_1.json`, text);
		expect(await profile.read()).toEqual(operators);
		expect(existsSync(dirname(profile.prefix))).toBe(false);
	});

	it('is not kept where no temporary folder can be made', async () => {
		vi.stubEnv('TMPDIR', join(folder, 'absent'));
		expect(await PlacementProfile.create()).toBeNull();
	});
});

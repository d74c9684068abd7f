import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UserFacingError } from '../domain/errors.ts';
import { enact } from './enact.ts';
import { eventful } from './eventful.ts';
import type { Finding } from './findings.ts';
import { hf } from './hf.ts';
import { isParityCase, readParityCase } from './parity-case.ts';
import type { ParitySystem } from './parity-system.ts';
import { shvit } from './shvit.ts';
import { sparseDetr } from './sparse-detr.ts';

/** One file per system, one line here. */
const SYSTEMS: Readonly<Record<string, ParitySystem>> = {
	enact,
	eventful,
	hf,
	shvit,
	'sparse-detr': sparseDetr,
};

export type CaseResult = {
	folder: string;
	system: string;
	case: string;
	passed: boolean;
	findings: Finding[];
};

/** The case in `folder`, or all cases in the folders below it, by name. Throws `file-not-found` where there is none. */
export async function findCases(folder: string): Promise<string[]> {
	if (isParityCase(folder)) return [folder];
	const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
	const below = entries.filter((entry) => entry.isDirectory()).sort((a, b) => (a.name < b.name ? -1 : 1));
	const cases: string[] = [];
	for (const { name } of below) cases.push(...(await findCases(join(folder, name)).catch(() => [])));
	if (cases.length > 0) return cases;
	throw new UserFacingError(
		'file-not-found',
		`${folder} holds no case: a case is a folder with a case.json, or of manifests.`,
	);
}

/** Runs one case. Throws a `UserFacingError` where it cannot be read, lacks what its system needs, or is of no known system. */
export async function runCase(folder: string): Promise<CaseResult> {
	const given = await readParityCase(folder);
	const system = Object.hasOwn(SYSTEMS, given.system) ? SYSTEMS[given.system] : undefined;
	if (!system) {
		const known = Object.keys(SYSTEMS).join(', ');
		throw new UserFacingError(
			'file-unreadable',
			`${folder}/case.json: system must be one of ${known} (got "${given.system}").`,
		);
	}
	const findings = await system(given);
	const passed = findings.length > 0 && findings.every((finding) => finding.passed);
	return { folder: given.folder, system: given.system, case: given.name, passed, findings };
}

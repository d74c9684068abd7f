import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeJsonFile } from '../process/json-file.ts';

/** In the folder of every model that was downloaded or added: where it came from and what it was then. */
const RECEIPT_FILE = '.sparsight-model.json';

const receiptSchema = z.object({
	format: z.literal('sparsight-model'),
	version: z.literal(1),
	id: z.string(),
	/** Whether its catalogue entry tells about it. */
	from: z.enum(['catalog', 'added']),
	installedAt: z.string(),
	/** Address, mirror or path that it came from. */
	source: z.string(),
	/** What is opened: a file of the folder; null = the folder. */
	opened: z.string().nullable(),
	/** Hashes are those of the publisher where it states them, else those of the first download. */
	files: z.array(z.object({ name: z.string(), bytes: z.number(), sha256: z.string() })),
});

export type Receipt = z.infer<typeof receiptSchema>;

/** Null for folders without one, or with an unreadable one. */
export async function readReceipt(folder: string): Promise<Receipt | null> {
	try {
		return receiptSchema.parse(JSON.parse(await readFile(join(folder, RECEIPT_FILE), 'utf8')));
	} catch {
		return null;
	}
}

export async function writeReceipt(
	folder: string,
	receipt: Omit<Receipt, 'format' | 'version' | 'installedAt'>,
): Promise<void> {
	const whole: Receipt = {
		format: 'sparsight-model',
		version: 1,
		installedAt: new Date().toISOString(),
		...receipt,
	};
	await writeJsonFile(join(folder, RECEIPT_FILE), whole);
}

/** How a file of a model stands against what was recorded of it. */
export type FileCheck = { name: string; state: 'unchanged' | 'changed' | 'missing' };

/** Reads every file of a receipt and compares its hash. Ends early, with an error, when `signal` is aborted. */
export async function checkFiles(folder: string, { files }: Receipt, signal?: AbortSignal): Promise<FileCheck[]> {
	const checks: FileCheck[] = [];
	for (const { name, sha256 } of files) {
		const actual = await hashOf(join(folder, name), signal);
		const state = actual === null ? 'missing' : actual === sha256 ? 'unchanged' : 'changed';
		checks.push({ name, state });
	}
	return checks;
}

/** SHA-256 of a file; null where it cannot be read. */
async function hashOf(path: string, signal?: AbortSignal): Promise<string | null> {
	const hash = createHash('sha256');
	try {
		for await (const piece of createReadStream(path)) {
			signal?.throwIfAborted();
			hash.update(piece as Buffer);
		}
	} catch {
		signal?.throwIfAborted();
		return null;
	}
	return hash.digest('hex');
}

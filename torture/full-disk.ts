import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { errorToData } from '../main/domain/errors.ts';
import { FaultyDisk, type NotedWrites, type WriteFault } from './failing-writes.ts';
import type { Found, Writer } from './writers/writer.ts';

/** What came of a fault at a file: nothing was to be noticed, or a sentence; or what went wrong. */
export type DiskOutcome = 'goes on' | 'says so' | { failure: string };

export function isFailure(outcome: DiskOutcome): outcome is { failure: string } {
	return typeof outcome === 'object';
}

/** Of one file that a writer writes. */
export type FullDiskFigures = {
	writer: string;
	file: string;
	/** By kind of fault; absent where there is no such call. */
	outcomes: Partial<Record<FaultKind, DiskOutcome>>;
};

export const FAULT_KINDS = ['not permitted', 'full at once', 'full later', 'full at the end'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Lets every writer meet every fault at every file that it writes. */
export async function tryFullDisk(
	writers: readonly Writer[],
	onDone: (figures: FullDiskFigures) => void = () => undefined,
): Promise<FullDiskFigures[]> {
	const root = mkdtempSync(join(tmpdir(), 'sparsight-disk-'));
	const disk = await FaultyDisk.over(join(root, 'place'));
	const bench = new DiskBench(root, disk);
	const all: FullDiskFigures[] = [];
	try {
		for (const writer of writers) {
			const prepared = await bench.prepare(writer);
			for (const [file, faults] of faultsOf(prepared.noted)) {
				const figures: FullDiskFigures = { writer: writer.title, file, outcomes: {} };
				for (const [kind, fault] of faults) {
					const outcome = await bench.try(prepared, fault);
					if (outcome !== null) figures.outcomes[kind] = outcome;
				}
				if (Object.keys(figures.outcomes).length === 0) continue; // its name is another one each time
				all.push(figures);
				onDone(figures);
			}
		}
	} finally {
		disk.remove();
		rmSync(root, { recursive: true, force: true, maxRetries: 10 });
	}
	return all;
}

/** A writer that was left undisturbed: what a program found that started before it wrote, and after. */
type Prepared = { writer: Writer; noted: NotedWrites; before: Found; after: Found };

class DiskBench {
	readonly #before: string;
	/** Where a writer writes: always the same, so that names are. */
	readonly #place: string;
	/** A copy of it, for another start of the program to look into: that writes as well. */
	readonly #next: string;
	readonly #disk: FaultyDisk;

	constructor(root: string, disk: FaultyDisk) {
		this.#before = join(root, 'before');
		this.#place = join(root, 'place');
		this.#next = join(root, 'next');
		this.#disk = disk;
	}

	/** Lets a writer write undisturbed. Throws for one that could not be seen to fail. */
	async prepare(writer: Writer): Promise<Prepared> {
		for (const folder of [this.#before, this.#place]) rmSync(folder, { recursive: true, force: true });
		mkdirSync(this.#place);
		this.#disk.set(null);
		await writer.prepare(this.#place);
		cpSync(this.#place, this.#before, { recursive: true });
		const before = await this.#find(writer);
		const session = await writer.open(this.#place);
		this.#disk.set(null);
		try {
			await session.act();
		} finally {
			await session.close();
		}
		const { noted } = this.#disk;
		const after = await this.#find(writer);
		if (noted.size === 0) throw new Error(`${writer.title}: it writes nothing`);
		if (isDeepStrictEqual(before, after) !== (writer.isCache === true))
			throw new Error(`${writer.title}: before and after, a cache finds the same, and all others don't`);
		return { writer, noted, before, after };
	}

	/** Null where the fault did not strike: files are not always written as often. */
	async try({ writer, before, after }: Prepared, fault: WriteFault): Promise<DiskOutcome | null> {
		rmSync(this.#place, { recursive: true, force: true, maxRetries: 10 });
		cpSync(this.#before, this.#place, { recursive: true });
		this.#disk.set(null);
		const session = await writer.open(this.#place);
		const contents = contentsOf(this.#place);
		this.#disk.set(fault);
		try {
			const said = await session.act().then(
				() => null,
				(error: unknown) => error,
			);
			const { struck } = this.#disk;
			this.#disk.set(null);
			if (said !== null) {
				requireSentence(said, fault, this.#place);
				requireKept(contents, this.#place, writer.grows);
			}
			const isKept = said === null && !writer.mayForget;
			requireFound(await this.#find(writer), isKept ? after : before, after, writer.mayBe);
			await session.act();
			requireFound(await this.#find(writer), after, after);
			requireNothingLeft(this.#place);
			return struck ? (said === null ? 'goes on' : 'says so') : null;
		} catch (error) {
			const { message } = errorToData(error);
			return { failure: `${fault.call} ${fault.nth}, ${fault.code}: ${message}` };
		} finally {
			this.#disk.set(null);
			await session.close().catch(() => undefined);
		}
	}

	/** What the next start of the program finds. */
	async #find(writer: Writer): Promise<Found> {
		rmSync(this.#next, { recursive: true, force: true, maxRetries: 10 });
		cpSync(this.#place, this.#next, { recursive: true, preserveTimestamps: true });
		return JSON.parse(JSON.stringify(await writer.find(this.#next))) as Found;
	}
}

/** Each part is one of both, whole. */
function requireFound(found: Found, before: Found, after: Found, mayBe?: Writer['mayBe']): void {
	for (const part of Object.keys({ ...before, ...after, ...found })) {
		const [is, was, willBe] = [found[part], before[part], after[part]];
		if (isDeepStrictEqual(is, was) || isDeepStrictEqual(is, willBe) || mayBe?.(is, was, willBe)) continue;
		const text = (JSON.stringify(is) ?? 'nothing').slice(0, 200);
		throw new Error(`the next start finds something else as ${part}: ${text}`);
	}
}

function faultsOf(noted: NotedWrites): [string, [FaultKind, WriteFault][]][] {
	return [...noted]
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([file, calls]) => {
			const faults: [FaultKind, WriteFault][] = [];
			const makes = (['open', 'folder', 'write'] as const).find((call) => calls.has(call));
			if (makes) faults.push(['not permitted', { file, call: makes, nth: 1, code: 'EACCES' }]);
			const writes = calls.get('write') ?? 0;
			if (writes > 0) faults.push(['full at once', { file, call: 'write', nth: 1, code: 'ENOSPC' }]);
			else if (makes) faults.push(['full at once', { file, call: makes, nth: 1, code: 'ENOSPC' }]);
			if (writes > 1) faults.push(['full later', { file, call: 'write', nth: writes, code: 'ENOSPC' }]);
			const last = (['flush', 'rename'] as const).find((call) => calls.has(call));
			if (last) faults.push(['full at the end', { file, call: last, nth: 1, code: 'ENOSPC' }]);
			return [file, faults];
		});
}

/** It says in one sentence what it could not write, and why. */
function requireSentence(error: unknown, { code }: WriteFault, place: string): void {
	const data = errorToData(error);
	const expected = code === 'ENOSPC' ? 'disk-full' : 'output-not-writable';
	if (data.code !== expected || !/^[^\n]+\.$/.test(data.message) || !data.message.includes(place))
		throw new Error(`a sentence (${expected}) was expected, got ${data.code}: ${data.message}`);
}

/** By path, the hash of what lies there. */
function contentsOf(place: string): Map<string, string> {
	const names = readdirSync(place, { recursive: true, encoding: 'utf8' });
	const files = names.filter((name) => statSync(join(place, name)).isFile());
	return new Map(
		files.map((name) => [
			name,
			createHash('sha256')
				.update(readFileSync(join(place, name)))
				.digest('hex'),
		]),
	);
}

function requireKept(before: ReadonlyMap<string, string>, place: string, grows: RegExp | undefined): void {
	const after = contentsOf(place);
	for (const [name, hash] of before) {
		if (grows?.test(name)) continue;
		if (after.get(name) !== hash)
			throw new Error(`${name} was whole before, and is ${after.has(name) ? 'another' : 'gone'}`);
	}
}

function requireNothingLeft(place: string): void {
	const left = readdirSync(place, { recursive: true, encoding: 'utf8' });
	// Caches are written without anybody waiting.
	const litter = left.filter((name) => /^(?!cache).*(\.new|\.partial|\.part|\.clock|\.part-.*)$/.test(name));
	if (litter.length > 0) throw new Error(`${litter.join(', ')} is left`);
}

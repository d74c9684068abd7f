import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { relative, resolve, sep } from 'node:path';

// Node's own calls that write, with faults in them: what a disk does that is full, or takes no writing, at one chosen file. Programs
// that Node starts are not concerned.

export const WRITE_CALLS = ['folder', 'open', 'write', 'flush', 'rename'] as const;
export type WriteCall = (typeof WRITE_CALLS)[number];

/** From call number `nth` (1: the first) of this kind on, calls on the files of one name fail. */
export type WriteFault = { file: string; call: WriteCall; nth: number; code: 'ENOSPC' | 'EACCES' | 'EROFS' };

/** By name of a file, how often it was written by each call. */
export type NotedWrites = Map<string, Map<WriteCall, number>>;

type Call = (this: unknown, ...words: unknown[]) => unknown;
type Calls = Record<string, Call>;

/** One disk: what lies below a folder. Only one of them at a time. */
export class FaultyDisk {
	readonly #root: string;
	#fault: WriteFault | null = null;
	#noted: NotedWrites = new Map();
	#struck = false;
	/** By descriptor or handle, the file that is open for writing. */
	readonly #open = new Map<unknown, string>();
	readonly #restore: (() => void)[] = [];

	private constructor(root: string) {
		this.#root = resolve(root);
	}

	static async over(root: string): Promise<FaultyDisk> {
		const disk = new FaultyDisk(root);
		await disk.#guardAll();
		return disk;
	}

	/** Begins to note anew, with a fault or without. */
	set(fault: WriteFault | null): void {
		this.#fault = fault;
		this.#noted = new Map();
		this.#struck = false;
	}

	/** What was written since `set`. */
	get noted(): NotedWrites {
		return this.#noted;
	}

	/** Whether the fault has struck since `set`. */
	get struck(): boolean {
		return this.#struck;
	}

	remove(): void {
		for (const restore of this.#restore) restore();
		syncBuiltinESMExports();
	}

	/** The error of a call that has to fail; null for one that goes through. */
	#visit(call: WriteCall, path: unknown): NodeJS.ErrnoException | null {
		if (typeof path !== 'string') return null;
		const name = nameOf(this.#root, path);
		if (name === null) return null;
		const calls = this.#noted.get(name) ?? new Map<WriteCall, number>();
		this.#noted.set(name, calls.set(call, (calls.get(call) ?? 0) + 1));
		const fault = this.#fault;
		if (fault?.file !== name) return null;
		const isDue = fault.call === call && calls.get(call)! >= fault.nth;
		// A disk stays full for what is written; names can still be changed, and permissions hold for names alone.
		if (!isDue && !(this.#struck && fault.code === 'ENOSPC' && call === 'write')) return null;
		this.#struck = true;
		const message = `${fault.code}: made up by a test, ${call} '${path}'`;
		// As Node does: calls on open files do not tell their names.
		const place = call === 'write' || call === 'flush' ? {} : { path };
		return Object.assign(new Error(message), { code: fault.code, syscall: call, ...place });
	}

	async #guardAll(): Promise<void> {
		const calls = fs as unknown as Calls;
		const promises = fs.promises as unknown as Calls;
		const first = ([path]: unknown[]) => path;
		const second = ([, path]: unknown[]) => path;
		const opened = ([descriptor]: unknown[]) =>
			typeof descriptor === 'number' ? this.#open.get(descriptor) : descriptor;
		this.#sync(calls, 'mkdirSync', 'folder', first);
		this.#sync(calls, 'renameSync', 'rename', second);
		this.#sync(calls, 'copyFileSync', 'write', second);
		this.#sync(calls, 'writeFileSync', 'write', opened, halfOfFile);
		this.#sync(calls, 'appendFileSync', 'write', opened);
		this.#sync(calls, 'writeSync', 'write', opened);
		this.#sync(calls, 'writevSync', 'write', opened);
		this.#sync(calls, 'openSync', 'open', writable);
		this.#back(calls, 'open', 'open', writable);
		this.#back(calls, 'write', 'write', opened);
		this.#back(calls, 'writev', 'write', opened);
		this.#promise(promises, 'mkdir', 'folder', first);
		this.#promise(promises, 'mkdtemp', 'folder', first);
		this.#promise(promises, 'symlink', 'write', second);
		this.#promise(promises, 'rename', 'rename', second);
		this.#promise(promises, 'copyFile', 'write', second);
		this.#promise(promises, 'writeFile', 'write', first, halfOfFile);
		this.#promise(promises, 'appendFile', 'write', first);
		this.#promise(promises, 'open', 'open', writable);
		const handle = await fs.promises.open(process.execPath);
		const handles = Object.getPrototypeOf(handle) as Calls;
		await handle.close();
		const own = (_: unknown[], self: unknown) => this.#open.get(self);
		for (const name of ['write', 'writeFile']) this.#promise(handles, name, 'write', own, halfOfHandle);
		for (const name of ['writev', 'appendFile']) this.#promise(handles, name, 'write', own);
		for (const name of ['sync', 'datasync']) this.#promise(handles, name, 'flush', own);
		syncBuiltinESMExports();
	}

	#sync(calls: Calls, name: string, call: WriteCall, pathOf: PathOf, part?: Part): void {
		this.#replace(calls, name, (real) => {
			const visit = this.#visit.bind(this);
			const note = (descriptor: unknown, path: unknown) => this.#note(call, descriptor, path);
			return function (...words) {
				const path = pathOf(words, this);
				const error = visit(call, path);
				if (!error) return note(real.apply(this, words), path);
				if (part) real.apply(this, part(words));
				throw error;
			};
		});
	}

	#back(calls: Calls, name: string, call: WriteCall, pathOf: PathOf): void {
		this.#replace(calls, name, (real) => {
			const visit = this.#visit.bind(this);
			const note = (descriptor: unknown, path: unknown) => this.#note(call, descriptor, path);
			return function (...words) {
				const path = pathOf(words, this);
				const error = visit(call, path);
				const answer = words.at(-1) as Call;
				if (error) return void process.nextTick(() => answer(error));
				const noting: Call = (failure, given, ...more) =>
					answer(failure, failure ? given : note(given, path), ...more);
				return real.apply(this, [...words.slice(0, -1), noting]);
			};
		});
	}

	#promise(calls: Calls, name: string, call: WriteCall, pathOf: PathOf, part?: Part): void {
		this.#replace(calls, name, (real) => {
			const visit = this.#visit.bind(this);
			const note = (descriptor: unknown, path: unknown) => this.#note(call, descriptor, path);
			return async function (...words) {
				const path = pathOf(words, this);
				const error = visit(call, path);
				if (!error) return note(await real.apply(this, words), path);
				if (part) await real.apply(this, part(words));
				throw error;
			};
		});
	}

	/** Keeps what an opening gave. */
	#note(call: WriteCall, given: unknown, path: unknown): unknown {
		if (call !== 'open') return given;
		if (typeof path === 'string') this.#open.set(given, path);
		else this.#open.delete(given); // a number that was used before
		return given;
	}

	#replace(calls: Calls, name: string, by: (real: Call) => Call): void {
		const real = calls[name]!;
		calls[name] = by(real);
		this.#restore.push(() => (calls[name] = real));
	}
}

type PathOf = (words: unknown[], self: unknown) => unknown;
type Part = (words: unknown[]) => unknown[];

/** The path of what is opened to be written. */
function writable([path, flags]: unknown[]): unknown {
	return typeof flags === 'string' && /[wa+]/.test(flags) ? path : null;
}

// A disk that becomes full takes the first part.

function halfOfFile([path, data, ...more]: unknown[]): unknown[] {
	return [path, halfOf(data), ...more];
}

/** `write` of a handle has a part of a buffer and a position, `writeFile` the whole. */
function halfOfHandle([data, offset, length, ...more]: unknown[]): unknown[] {
	if (!(data instanceof Uint8Array) || typeof offset !== 'number')
		return [halfOf(data), offset, length, ...more];
	return [data, offset, (typeof length === 'number' ? length : data.length - offset) >> 1, ...more];
}

function halfOf(data: unknown): unknown {
	if (typeof data === 'string') return data.slice(0, data.length >> 1);
	return data instanceof Uint8Array ? data.subarray(0, data.length >> 1) : '';
}

/**
 * A file's name in tables: from `root` on, without what differs from one writing to the next, and as it is called at the end; null
 * for one that lies elsewhere.
 */
export function nameOf(root: string, path: string): string | null {
	const inside = relative(root, resolve(path));
	if (inside === '' || inside.startsWith('..')) return null;
	return inside
		.split(sep)
		.join('/')
		.replace(/\.[^/]+\.\d+\.partial\//, '')
		.replace(/\.([^/]+)\.\d+\.partial$/, '$1 (folder beside it)')
		.replace(/(\.[0-9a-f]{8,16})?\.(new|partial)(?=\/|$)/g, '')
		.replace(/\.attempt-\d+/g, '')
		.replace(/\b\d{8}-\d{6}\b/g, '*')
		.replace(/\b[0-9a-f]{8,}\b(\.\d+\b)?/g, '*')
		.replace(/\d{4}-\d\d-\d\d[\w.-]*/g, '*')
		.replace(/\*(\.\*)+/g, '*');
}

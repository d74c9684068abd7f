import { basename, extname } from 'node:path';
import type { HostEvent, RequestInput } from '../../preload/contract.ts';
import { errorToData, UserFacingError } from '../domain/errors.ts';
import { resolveSettings } from '../domain/settings-table.ts';
import { startExport, type RunningExport } from '../export/client.ts';
import { exportFormat } from '../export/index.ts';
import { newId } from './opaque-ids.ts';
import type { RunQueries } from './run-queries.ts';
import type { ExportPart, Shell } from './shell.ts';
import type { VideoNotes } from './video-notes.ts';
import { shortName } from '../process/short-name.ts';

/** An export that is being written or is done. */
type Export = {
	path: string;
	cancel: () => void;
	ended: Promise<void>;
	/** The path of what goes with the file; null for most formats. */
	companion: string | null;
	state: 'going' | 'written' | 'failed';
};

type ExportsDependencies = {
	queries: RunQueries;
	/** What a person drew on videos, and stated of them. */
	notes: VideoNotes;
	shell: Shell;
	emit: (event: HostEvent) => void;
};

/** Exports runs to files that the user chooses, each in a process of its own. */
export class Exports {
	readonly #deps: ExportsDependencies;
	readonly #exports = new Map<string, Export>();

	constructor(dependencies: ExportsDependencies) {
		this.#deps = dependencies;
	}

	/**
	 * Asks where to write and begins; `export.progress` and `export.ended` events follow. Null if the user cancels.
	 * Throws for unknown formats and settings, and for runs that cannot be read.
	 */
	async start(input: RequestInput<'export.start'>): Promise<{ exportId: string; name: string } | null> {
		const format = exportFormat(input.format);
		const settings = resolveSettings(format.settings, input.settings, `format ${format.id}`);
		if (input.labels.length !== input.runIds.length) {
			throw new UserFacingError(
				'bad-argument',
				`labels must name each of the ${input.runIds.length} runs (got ${input.labels.length}).`,
			);
		}
		const { queries, notes, shell } = this.#deps;
		const runs = await Promise.all(input.runIds.map((runId) => queries.run(runId)));
		const { videoIdentity } = runs[0]!.header;
		const wantsZones = format.readsZones && settings['zones'] !== false;
		const zones = wantsZones ? await notes.zones(videoIdentity) : null;
		const suggested = suggestedName(runs[0]!.header.video.path, runs[0]!.header.mode, format.fileExtension);
		const path = await shell.chooseExportTarget(suggested, format.fileExtension);
		if (path === null) return null;

		const stated = await notes.clock(videoIdentity);
		const job = {
			format: format.id,
			runs: runs.map(({ folder, header }, i) => ({
				folder,
				label: input.labels[i]!,
				videoPath: header.video.path,
			})),
			out: path,
			zones,
			search: input.search ?? null,
			range: input.range,
			settings,
			...(stated && { clock: stated }),
		};
		return this.begin(path, format.companionOf?.(path) ?? null, (onProgress) =>
			startExport(job, shell.startExportWorker(), onProgress, shell.printPage),
		);
	}

	/**
	 * Follows what is written to `path`, and to `companion` where that goes with it; `export.progress` and `export.ended` events tell
	 * how it goes.
	 */
	begin(
		path: string,
		companion: string | null,
		write: (onProgress: (done: number, total: number) => void) => RunningExport,
	): { exportId: string; name: string } {
		const { shell, emit } = this.#deps;
		const exportId = newId();
		const writing = write((done, total) => emit({ type: 'export.progress', exportId, done, total }));
		const entry: Export = {
			path,
			companion,
			cancel: () => writing.cancel(),
			state: 'going',
			ended: Promise.resolve(),
		};
		entry.ended = writing.written.then(
			() => {
				entry.state = 'written';
				emit({
					type: 'export.ended',
					exportId,
					downloadUrl: shell.downloadUrl(exportId, 'file'),
					companion:
						companion === null
							? null
							: {
									name: basename(companion),
									downloadUrl: shell.downloadUrl(exportId, 'companion'),
								},
					error: null,
				});
			},
			(error: unknown) => {
				entry.state = 'failed';
				emit({
					type: 'export.ended',
					exportId,
					downloadUrl: null,
					companion: null,
					error: errorToData(error),
				});
			},
		);
		this.#exports.set(exportId, entry);
		return { exportId, name: basename(path) };
	}

	/** Number of exports being written. */
	get going(): number {
		return [...this.#exports.values()].filter(({ state }) => state === 'going').length;
	}

	/** A file of a finished export; null for all others. */
	fileOf(exportId: string, part: ExportPart): string | null {
		const entry = this.#exports.get(exportId);
		if (entry?.state !== 'written') return null;
		return part === 'file' ? entry.path : entry.companion;
	}

	/** Cancels an export; nothing of it is left behind. */
	cancel(exportId: string): void {
		this.#get(exportId).cancel();
	}

	reveal(exportId: string): void {
		this.#deps.shell.revealFile(this.#get(exportId).path);
	}

	async close(): Promise<void> {
		const going = [...this.#exports.values()].filter(({ state }) => state === 'going');
		for (const { cancel } of going) cancel();
		await Promise.all(going.map(({ ended }) => ended));
	}

	#get(exportId: string): Export {
		const entry = this.#exports.get(exportId);
		if (entry) return entry;
		throw new UserFacingError(
			'bad-argument',
			`An export that was begun was expected (got the id ${exportId}).`,
		);
	}
}

/** Named after video and mode, like the files of the command line. */
function suggestedName(videoPath: string, mode: string, fileExtension: string): string {
	return shortName(basename(videoPath, extname(videoPath)), `-${mode}.${fileExtension}`);
}

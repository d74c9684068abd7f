import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { preferencesSchema, type Preferences, type RequestInput } from '../../preload/contract.ts';
import { UserFacingError } from '../domain/errors.ts';
import { ON_CPU } from '../domain/execution.ts';
import { readJsonFile, writeJsonFile } from '../process/json-file.ts';
import { OneAtATime } from '../process/one-at-a-time.ts';

export const DEFAULT_PREFERENCES: Preferences = {
	theme: 'system',
	language: 'system',
	modelId: null,
	mode: 'token-cache',
	modeSettings: {},
	threads: null,
	precision: ON_CPU.precision,
	maxSide: 768,
	provider: 'auto',
	runsFolder: null,
	volume: 1,
	muted: false,
	showBoxes: true,
	showIdentities: true,
	showZones: true,
	leastScore: 1,
	showCamera: true,
	showTruth: true,
	heatMap: 'frame',
	heatOpacity: 0.5,
	sidePanelWidth: 280,
	sidePanelFolded: false,
	sidePanelTab: 'measurements',
	trackView: 'list',
	galleryOrder: 'first',
	eventWish: {
		kind: null,
		className: null,
		leastScore: null,
		leastHeight: null,
		mostHeight: null,
		dwellSeconds: null,
		mostAtOnce: null,
	},
	timelineHeight: null,
	timelineFolded: false,
};

/** What the page remembers between sessions, in one file. */
export class PreferencesStore {
	readonly #path: string;
	readonly #mayWriteTo: (folder: string) => Promise<boolean>;
	#current: Preferences = DEFAULT_PREFERENCES;
	readonly #writes = new OneAtATime();

	private constructor(path: string, mayWriteTo: (folder: string) => Promise<boolean>) {
		this.#path = path;
		this.#mayWriteTo = mayWriteTo;
	}

	/**
	 * Reads the file in `folder`. Keys that another version wrote are kept if they are still valid. `mayWriteTo` decides
	 * whether this host lets the page choose a folder for its runs.
	 */
	static async open(
		folder: string,
		mayWriteTo: (folder: string) => Promise<boolean>,
	): Promise<PreferencesStore> {
		const store = new PreferencesStore(join(folder, 'preferences.json'), mayWriteTo);
		const stored = (await readJsonFile(store.#path, z.record(z.string(), z.unknown()))) ?? {};
		for (const [name, value] of Object.entries(stored)) {
			const known = preferencesSchema.partial().safeParse({ [name]: value });
			if (known.success) store.#current = { ...store.#current, ...given(known.data) };
		}
		if (store.#current.runsFolder !== null && !(await mayWriteTo(store.#current.runsFolder))) {
			store.#current = { ...store.#current, runsFolder: null };
		}
		return store;
	}

	get current(): Preferences {
		return this.#current;
	}

	/** Applies `changes` and stores the result. Throws `bad-argument` for a folder that must not be used. */
	async change(changes: RequestInput<'preferences.change'>): Promise<Preferences> {
		const folder = changes.runsFolder ?? null;
		if (folder !== null && !(isAbsolute(folder) && (await this.#mayWriteTo(folder)))) {
			throw new UserFacingError(
				'bad-argument',
				`The folder for runs must be one that may be written to from here (got ${folder}).`,
				{ remedy: 'Choose a folder below one of those named at the start.' },
			);
		}
		this.#current = { ...this.#current, ...given(changes) };
		// One write after another, so that the last state is the last one written.
		await this.#writes.do(() => writeJsonFile(this.#path, this.#current));
		return this.#current;
	}
}

/** Drops undefined keys, which the type of `partial` allows. */
function given(changes: RequestInput<'preferences.change'>): Partial<Preferences> {
	return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

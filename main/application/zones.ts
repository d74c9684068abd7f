import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { RequestInput } from '../../preload/contract.ts';
import type { FittedZones, ZoneCounts } from '../../preload/zones-contract.ts';
import { fitZones, parseZones, zoneSetSchema, zonesToText } from '../counting/zone-file.ts';
import { UserFacingError } from '../domain/errors.ts';
import type { ZoneSet } from '../domain/zones.ts';
import { writePartialFirst } from '../export/partial-file.ts';
import { readJsonFile, writeJsonFile } from '../process/json-file.ts';
import { OneAtATime } from '../process/one-at-a-time.ts';
import { shortName } from '../process/short-name.ts';
import { countAtZones } from './count-at-zones.ts';
import type { RunQueries } from './run-queries.ts';
import type { Shell } from './shell.ts';
import type { VideoNotes } from './video-notes.ts';
import type { Videos } from './videos.ts';

type ZonesDependencies = {
	notes: VideoNotes;
	videos: Videos;
	queries: RunQueries;
	shell: Shell;
	/** Where templates are remembered. */
	settingsFolder: string;
};

type Template = { name: string; zones: ZoneSet };
const templatesFile: z.ZodType<Template[]> = z.array(
	z.strictObject({ name: z.string(), zones: zoneSetSchema }),
);
/** More than anybody looks through. */
const MOST_TEMPLATES = 200;

/** Zones and lines of videos, templates of them, and what a run counts at them. */
export class Zones {
	readonly #deps: ZonesDependencies;
	readonly #templatesPath: string;
	/** One change of the templates after another. */
	readonly #changes = new OneAtATime();

	constructor(dependencies: ZonesDependencies) {
		this.#deps = dependencies;
		this.#templatesPath = join(dependencies.settingsFolder, 'zone-templates.json');
	}

	/** Throws `zones-set-aside` where what was stored can't be read. */
	async get(videoId: string): Promise<ZoneSet | null> {
		const { videos, notes } = this.#deps;
		return notes.zonesToEdit((await videos.open(videoId)).identity);
	}

	async set({ videoId, zones }: RequestInput<'zones.set'>): Promise<void> {
		const { videos, notes } = this.#deps;
		await notes.storeZones((await videos.open(videoId)).identity, zones);
	}

	/** Over the whole run, as far as it is stored. Throws `zones-unreadable` for zones that count nothing. */
	async counts({ runId, zones }: RequestInput<'zones.counts'>): Promise<ZoneCounts> {
		const { events, occupancy } = await countAtZones(this.#deps.queries, runId, zones);
		const { count, kinds, frameIndices, timesSeconds, identities } = events;
		const { classIndices, places, directions, amounts } = events;
		return {
			events: {
				count,
				kinds,
				frameIndices,
				timesSeconds,
				identities,
				classIndices,
				places,
				directions,
				amounts,
			},
			occupancy,
		};
	}

	/** Throws `zones-unreadable` for what is no file of zones, and for a picture of another shape. */
	async read({ videoId, name, text }: RequestInput<'zones.read'>): Promise<FittedZones> {
		return this.#fitted(parseZones(text, name), videoId, name);
	}

	/** Asks where to write a file of zones; false if the user cancels. Throws `bad-argument` on a host without dialogs. */
	async save({ name, zones }: RequestInput<'zones.save'>): Promise<boolean> {
		const { shell } = this.#deps;
		if (shell.host !== 'desktop') {
			throw new UserFacingError('bad-argument', 'In a browser, the page itself saves a file of zones.');
		}
		const path = await shell.chooseExportTarget(shortName(name, '-zones.json'), 'json');
		if (path === null) return false;
		await writePartialFirst(path, [], (partial) => writeFile(partial, zonesToText(zones)));
		return true;
	}

	async templates(): Promise<string[]> {
		return (await this.#read()).map(({ name }) => name);
	}

	async storeTemplate({ name, zones }: RequestInput<'templates.store'>): Promise<string[]> {
		parseZones(zonesToText(zones), name);
		return this.#change((templates) => [...templates.filter((one) => one.name !== name), { name, zones }]);
	}

	async deleteTemplate(name: string): Promise<string[]> {
		return this.#change((templates) => templates.filter((one) => one.name !== name));
	}

	/** Throws `zones-unreadable` for an unknown name, and for a picture of another shape. */
	async useTemplate({ name, videoId }: RequestInput<'templates.use'>): Promise<FittedZones> {
		const found = (await this.#read()).find((one) => one.name === name);
		if (!found) {
			throw new UserFacingError(
				'zones-unreadable',
				`A template that was listed was expected (got “${name}”).`,
			);
		}
		return this.#fitted(found.zones, videoId, name);
	}

	async #fitted(drawn: ZoneSet, videoId: string, place: string): Promise<FittedZones> {
		const { displaySize } = (await this.#deps.videos.open(videoId)).info;
		const { zones, scale } = fitZones(drawn, displaySize, place);
		return { zones, scaledFrom: scale === 1 ? null : drawn.pictureSize };
	}

	async #read(): Promise<Template[]> {
		return (await readJsonFile(this.#templatesPath, templatesFile)) ?? [];
	}

	#change(work: (templates: Template[]) => Template[]): Promise<string[]> {
		return this.#changes.do(async () => {
			const templates = work(await this.#read()).sort((a, b) => a.name.localeCompare(b.name));
			if (templates.length > MOST_TEMPLATES) {
				throw new UserFacingError(
					'bad-argument',
					`At most ${MOST_TEMPLATES} templates are kept; delete one first.`,
				);
			}
			await writeJsonFile(this.#templatesPath, templates);
			return templates.map(({ name }) => name);
		});
	}
}

import { readFile, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { parseZones, zonesToText } from '../counting/zone-file.ts';
import { systemError, UserFacingError } from '../domain/errors.ts';
import { isTimeZone, type RecordingClock } from '../domain/recording-clock.ts';
import type { VideoIdentity } from '../domain/run.ts';
import type { ZoneSet } from '../domain/zones.ts';
import { readJsonFile, writeFileWhole } from '../process/json-file.ts';
import { OneAtATime } from '../process/one-at-a-time.ts';
import { trackEditsToText } from '../tracking/edits-file.ts';
import { editsPath } from '../tracking/stored-edits.ts';
import type { TrackEdit } from '../tracking/track-edits.ts';
import { stateOf } from './file-states.ts';
import { identityKey } from '../video/identity.ts';

/** What lies beside the runs of a video: what a person adds to it. No run has this name. */
export const NOTES_FOLDER = 'notes';

const ZONES_FILE = 'zones.json';
const CLOCK_FILE = 'clock.json';

/** A clock as notes and projects keep it. */
export const clockSchema = z.strictObject({
	startsAt: z.iso.datetime(),
	timeZone: z.string().refine(isTimeZone),
	source: z.literal(['file', 'stated']),
});

/**
 * What an analyst adds to a video, one file each in `<runs>/<identity of the video>/notes`: it goes with the content of a file,
 * wherever that is moved, and no run is touched.
 */
export class VideoNotes {
	readonly #root: () => string;
	/** By file, what reads it to change it and writes it, so that the last state is the last one written. */
	readonly #turns = new Map<string, OneAtATime>();

	/** `root` is the folder of runs; called each time, because it is a preference. */
	constructor(root: () => string) {
		this.#root = root;
	}

	/** Null where none were drawn. Throws `zones-unreadable` for a file that is none. */
	async zones(identity: VideoIdentity): Promise<ZoneSet | null> {
		const path = this.#pathOf(identity, ZONES_FILE);
		const text = await readText(path);
		return text === null ? null : parseZones(text, path);
	}

	/**
	 * As `zones`, for who will draw on: a file that is none is put aside first, so that nothing is written over it, and
	 * `zones-set-aside` tells its new name.
	 */
	async zonesToEdit(identity: VideoIdentity): Promise<ZoneSet | null> {
		const path = this.#pathOf(identity, ZONES_FILE);
		try {
			return await this.#turnsOf(path).do(() => this.zones(identity));
		} catch (cause) {
			if (!isUnreadable(cause)) throw cause;
			const aside = await setAside(path);
			throw new UserFacingError(
				'zones-set-aside',
				`${path}: the zones of this video were expected, and can't be read; the file is kept as ${basename(aside)}.`,
				{ remedy: 'Draw the zones anew, or mend that file and load it.', cause },
			);
		}
	}

	/**
	 * Throws `zones-unreadable` for zones that count nothing, and stores nothing then. A file that can't be read is put aside, not
	 * written over.
	 */
	async storeZones(identity: VideoIdentity, zones: ZoneSet): Promise<void> {
		const text = zonesToText(zones);
		parseZones(text, ZONES_FILE);
		const path = this.#pathOf(identity, ZONES_FILE);
		await this.#write(path, text, async () => {
			try {
				await this.zones(identity);
			} catch (error) {
				if (!isUnreadable(error)) throw error;
				await setAside(path);
			}
		});
	}

	/** When the video was recorded, as a person stated it; null where nobody did, or what is stored is no clock. */
	async clock(identity: VideoIdentity): Promise<RecordingClock | null> {
		return readJsonFile(this.#pathOf(identity, CLOCK_FILE), clockSchema);
	}

	/** With null, what was stated is forgotten. */
	async storeClock(identity: VideoIdentity, clock: RecordingClock | null): Promise<void> {
		await this.#write(this.#pathOf(identity, CLOCK_FILE), `${JSON.stringify(clock, null, '\t')}\n`);
	}

	/** Stores what a person changed of the tracks of a run; `readTrackEdits` reads it. */
	async storeTrackEdits(runFolder: string, edits: readonly TrackEdit[]): Promise<void> {
		await this.#write(editsPath(runFolder), trackEditsToText(edits));
	}

	/** Changes whenever something that a person added to the video, or to the tracks of this run of it, does. */
	stateOf(identity: VideoIdentity, runFolder: string): Promise<string> {
		const own = [ZONES_FILE, CLOCK_FILE].map((name) => this.#pathOf(identity, name));
		return stateOf([...own, editsPath(runFolder)]);
	}

	#pathOf(identity: VideoIdentity, name: string): string {
		return join(this.#root(), identityKey(identity), NOTES_FOLDER, name);
	}

	async #write(path: string, text: string, prepare?: () => Promise<void>): Promise<void> {
		await this.#turnsOf(path).do(async () => {
			await prepare?.();
			await writeFileWhole(path, text);
		});
	}

	#turnsOf(path: string): OneAtATime {
		const turns = this.#turns.get(path) ?? new OneAtATime();
		this.#turns.set(path, turns);
		return turns;
	}
}

async function readText(path: string): Promise<string | null> {
	try {
		return await readFile(path, 'utf8');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
		throw systemError(error) ?? error;
	}
}

function isUnreadable(error: unknown): boolean {
	return error instanceof UserFacingError && error.code === 'zones-unreadable';
}

/** Renames a file that can't be read, by the time at which that was found; returns its new path. */
async function setAside(path: string): Promise<string> {
	const now = new Date().toISOString().replaceAll(':', '-').slice(0, -1);
	const aside = path.replace(/\.json$/, `-unreadable-${now}.json`);
	try {
		await rename(path, aside);
	} catch (error) {
		throw systemError(error) ?? error;
	}
	return aside;
}

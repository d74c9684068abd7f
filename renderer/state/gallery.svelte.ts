import type { BestSightings } from '../../main/counting/best-sightings.ts';
import type { ErrorData } from '../../main/domain/errors.ts';
import type { HostApi, RequestInput } from '../../preload/contract.ts';
import { toErrorData } from '../api.ts';
import type { Player } from '../player/player.svelte.ts';
import { Crops } from '../tracks/crops.svelte.ts';

/** A run as far as its objects are known. */
export type GalleryRun = {
	runId: string;
	/** Of all its objects: what best sightings are chosen from. */
	sightings: number;
	/** Counts how often a person's edits changed who is who. */
	edits: number;
	/** Whether it may grow. */
	going: boolean;
};
type Zone = Omit<RequestInput<'tracks.inZone'>, 'runId'>;

/** A run that is going is asked about again once it has at least so many more sightings, and so much larger a share. */
const LEAST_MORE = 20;
const LEAST_SHARE = 0.1;

/** The best sighting of every object of the active pane's run, and its picture. */
export class Gallery {
	/** The last answer; null before the first. */
	best: { runId: string; sightings: BestSightings } | null = $state.raw(null);
	/** Who has been in the zone that was asked for; null without one, and until that is answered. */
	inZone: ReadonlySet<number> | null = $state.raw(null);
	error: ErrorData | null = $state.raw(null);
	readonly crops: Crops;
	readonly #host: HostApi;
	/** What was asked last, unless that failed. */
	#asked: { run: GalleryRun; zone: string } | null = null;
	/** The wish that is answered next; what is asked meanwhile replaces it. */
	#wish: (() => Promise<void>) | null = null;
	#asking = false;

	constructor(host: HostApi, player: Pick<Player, 'cut'>) {
		this.#host = host;
		this.crops = new Crops(player);
	}

	/**
	 * Asks, once what was asked before is answered, unless the answer is known: for the host, it is work on the whole run. May be called
	 * any number of times.
	 */
	want(run: GalleryRun, zone: Zone | null): void {
		const asked = { run, zone: JSON.stringify(zone) };
		if (this.#asked && asked.zone === this.#asked.zone && isAnswered(run, this.#asked.run)) return;
		this.#asked = asked;
		const { runId } = run;
		this.#wish = async () => {
			const sightings = await this.#host.request('tracks.best', { runId });
			const inZone = zone && (await this.#host.request('tracks.inZone', { runId, ...zone }));
			this.best = { runId, sightings };
			this.inZone = inZone && new Set(inZone);
		};
		if (!this.#asking) void this.#ask();
	}

	async #ask(): Promise<void> {
		this.#asking = true;
		while (this.#wish) {
			const wish = this.#wish;
			this.#wish = null;
			try {
				await wish();
				this.error = null;
			} catch (reason) {
				this.error = toErrorData(reason);
				this.#asked = null;
			}
		}
		this.#asking = false;
	}
}

/** Whether what is known of a run is what `before` was asked for, or a little more while it goes on. */
function isAnswered(run: GalleryRun, before: GalleryRun): boolean {
	if (run.runId !== before.runId || run.edits !== before.edits) return false;
	const more = run.sightings - before.sightings;
	return run.going ? more < Math.max(LEAST_MORE, LEAST_SHARE * before.sightings) : more === 0;
}

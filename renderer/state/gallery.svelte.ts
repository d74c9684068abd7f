import type { BestSightings } from '../../main/counting/best-sightings.ts';
import type { ErrorData } from '../../main/domain/errors.ts';
import type { HostApi, RequestInput } from '../../preload/contract.ts';
import { toErrorData } from '../api.ts';
import type { Player } from '../player/player.svelte.ts';
import { Crops } from '../tracks/crops.svelte.ts';

/** The best sighting of every object of the active pane's run, and its picture. */
export class Gallery {
	/** The last answer; null before the first. */
	best: { runId: string; sightings: BestSightings } | null = $state.raw(null);
	/** Who has been in the zone that was asked for; null without one, and until that is answered. */
	inZone: ReadonlySet<number> | null = $state.raw(null);
	error: ErrorData | null = $state.raw(null);
	readonly crops: Crops;
	readonly #host: HostApi;
	/** The wish that is answered next; what is asked meanwhile replaces it. */
	#wish: (() => Promise<void>) | null = null;
	#asking = false;

	constructor(host: HostApi, player: Pick<Player, 'cut'>) {
		this.#host = host;
		this.crops = new Crops(player);
	}

	/** Asks anew, once what was asked before is answered. */
	want(runId: string, zone: Omit<RequestInput<'tracks.inZone'>, 'runId'> | null): void {
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
			}
		}
		this.#asking = false;
	}
}

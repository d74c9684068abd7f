import type { PresenceMap } from '../../main/counting/presence.ts';
import type { ErrorData } from '../../main/domain/errors.ts';
import type { HostApi, RequestInput } from '../../preload/contract.ts';
import { toErrorData } from '../api.ts';

/** Where the objects of the active pane's run have been, for a map over the picture. */
export class Presence {
	/** Whether the map is wanted. */
	shown = $state(false);
	/** Null until it was answered. */
	map: PresenceMap | null = $state.raw(null);
	error: ErrorData | null = $state.raw(null);
	readonly #host: HostApi;
	/** The wish that was asked last. */
	#asked = 0;

	constructor(host: HostApi) {
		this.#host = host;
	}

	async want(wish: RequestInput<'events.presence'>): Promise<void> {
		const asked = ++this.#asked;
		try {
			const map = await this.#host.request('events.presence', wish);
			if (asked !== this.#asked) return;
			this.map = map;
			this.error = null;
		} catch (reason) {
			if (asked === this.#asked) this.error = toErrorData(reason);
		}
	}
}

import type { ErrorData } from '../../main/domain/errors.ts';
import type { CardPlace, ModelReadings, SeenReading } from '../../main/probing/protocol.ts';
import type { HostApi, RequestInput } from '../../preload/contract.ts';
import { toErrorData } from '../api.ts';

type Change = RequestInput<'models.saveCard'>['change'];
/** The frame to look at first; null = the middle of the sample. */
export type FrameAtHand = { videoId: string; seconds: number };

/** How one ONNX file can be read, what each reading sees in a frame, and what a person chooses and changes. */
export class ModelWizard {
	readonly model: { modelId: string; name: string };
	/** Whether the file was added just now: without a card, it goes again. */
	readonly isNew: boolean;
	seen: ModelReadings | null = $state.raw(null);
	error: ErrorData | null = $state.raw(null);
	/** Whether a frame is being looked at, or the card is being stored. */
	busy = $state(false);
	/** Indices of the readings that are side by side. */
	beside: readonly number[] = $state.raw([0]);
	chosen = $state(0);
	place: CardPlace = $state('settings');
	readonly reading: SeenReading | null = $derived(this.seen?.readings[this.chosen] ?? null);
	readonly #host: HostApi;
	readonly #videoId: string | null;
	readonly #changes = new Map<number, { fields: Map<string, string>; names: string | null }>();
	#seconds: number | null;
	#wasChosen = false;
	/** The last look that was asked for. */
	#look = 0;

	constructor(
		host: HostApi,
		model: { modelId: string; name: string },
		{ frame, isNew }: { frame: FrameAtHand | null; isNew: boolean },
	) {
		this.#host = host;
		this.model = { modelId: model.modelId, name: model.name };
		this.isNew = isNew;
		this.#videoId = frame?.videoId ?? null;
		this.#seconds = frame?.seconds ?? null;
	}

	/** Whether a person has to say how the file is read: a frame does not confirm the first reading. */
	get isOpen(): boolean {
		const { seen } = this;
		if (!seen || seen.frame === null) return false;
		return seen.degree === 'ask' || seen.best !== 0;
	}

	/** Looks at the frame through all readings, with what was changed so far. What was seen before stays until then. */
	async look(unlessCertain = false): Promise<void> {
		const own = ++this.#look;
		this.busy = true;
		this.error = null;
		const changes = [...this.#changes.keys()].map((reading) => this.#changeOf(reading));
		const { modelId } = this.model;
		try {
			const seconds = this.#seconds;
			const input = { modelId, videoId: this.#videoId, seconds, changes, unlessCertain };
			const seen = await this.#host.request('models.readings', input);
			if (own === this.#look) this.#take(seen);
		} catch (reason) {
			if (own === this.#look) this.error = toErrorData(reason);
		} finally {
			if (own === this.#look) this.busy = false;
		}
	}

	choose(reading: number): void {
		this.chosen = reading;
		this.#wasChosen = true;
	}

	/** Shows another reading in one of the places side by side; the one that was there takes its former place, if it had one. */
	show(place: number, reading: number): void {
		const former = this.beside[place]!;
		this.beside = this.beside.map((index, at) =>
			at === place ? reading : index === reading ? former : index,
		);
		if (!this.beside.includes(this.chosen)) this.choose(reading);
	}

	/** Changes fields of the chosen reading's card, as `changeCard` takes them, and looks again. */
	change(fields: Readonly<Record<string, string>>): void {
		const change = this.#ownChange();
		for (const [path, value] of Object.entries(fields)) change.fields.set(path, value);
		void this.look();
	}

	/** Names the classes of the chosen reading by a text; null = as before. */
	rename(text: string | null): void {
		this.#ownChange().names = text;
		void this.look();
	}

	/** Takes back what was changed of the chosen reading. */
	reset(): void {
		this.#changes.delete(this.chosen);
		void this.look();
	}

	get isChanged(): boolean {
		return this.seen !== null && this.#changes.has(this.chosen);
	}

	goTo(seconds: number): void {
		this.#seconds = seconds;
		void this.look();
	}

	/** Stores the chosen card; false = that failed. */
	async save(): Promise<boolean> {
		this.busy = true;
		this.error = null;
		try {
			const change = this.#changeOf(this.chosen);
			await this.#host.request('models.saveCard', {
				modelId: this.model.modelId,
				change,
				place: this.place,
			});
			return true;
		} catch (reason) {
			this.error = toErrorData(reason);
			return false;
		} finally {
			this.busy = false;
		}
	}

	/** Ends a look that goes on. */
	async stop(): Promise<void> {
		this.#look++;
		if (this.busy) await this.#host.request('models.stopReadings', {}).catch(() => undefined);
		this.busy = false;
	}

	#take(seen: ModelReadings): void {
		if (!this.seen) {
			this.place = seen.places[0] ?? 'settings';
			const best = seen.best ?? 0;
			this.beside = seen.readings.length === 1 ? [0] : [0, best > 0 ? best : 1];
		}
		this.seen = seen;
		if (!this.#wasChosen && seen.best !== null && this.beside.includes(seen.best)) this.chosen = seen.best;
	}

	#ownChange() {
		this.#wasChosen = true;
		const known = this.#changes.get(this.chosen);
		if (known) return known;
		const fresh = { fields: new Map<string, string>(), names: null };
		this.#changes.set(this.chosen, fresh);
		return fresh as { fields: Map<string, string>; names: string | null };
	}

	#changeOf(reading: number): Change {
		const change = this.#changes.get(reading);
		return { reading, fields: [...(change?.fields ?? [])], names: change?.names ?? null };
	}
}

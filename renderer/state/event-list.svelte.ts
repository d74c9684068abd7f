import { EVENT_KINDS, type EventKind } from '../../main/counting/events.ts';
import { filterEvents, nextEvent, type EventFilter } from '../../main/counting/filter-events.ts';
import type { ErrorData } from '../../main/domain/errors.ts';
import { placesOf, type ZoneSet } from '../../main/domain/zones.ts';
import type { HostApi } from '../../preload/contract.ts';
import type { EventWish, ListedEvents } from '../../preload/events-contract.ts';
import { toErrorData } from '../api.ts';
import { Presence } from './presence.svelte.ts';

/** Pause after the last change of zones or of the run before events are asked for anew. */
const PAUSE_MS = 200;

/** A run, the zones at which its events happen, and how much of it is stored. */
export type EventSource = {
	runId: string;
	classes: readonly string[];
	zones: ZoneSet;
	/** Changes when more of the run is stored, or its tracks are edited. */
	version: number | string;
};

/** What is looked for in the open video only: its zones and its times. */
export type EventPlace = {
	/** The id of a zone or line. */
	placeId: string | null;
	/** Of those who cross a line. */
	direction: 1 | -1 | null;
	/** Both included, in the video's time line. */
	fromSeconds: number | null;
	toSeconds: number | null;
};

export const ANYWHERE: EventPlace = { placeId: null, direction: null, fromSeconds: null, toSeconds: null };

type Answer = { source: EventSource; limits: string; events: ListedEvents };

/** An event as it is shown. */
export type ShownEvent = {
	row: number;
	kind: EventKind;
	frame: number;
	timeSeconds: number;
	identity: number;
	className: string;
	/** The name of its zone or line; null for none. */
	place: string | null;
	direction: number;
	/** As in `EventTable`; NaN for none. */
	amount: number;
	score: number;
};

/** The events of the active pane's run, and those that a person looks for. */
export class EventList {
	/** The last answer; null before the first. */
	answer: Answer | null = $state.raw(null);
	error: ErrorData | null = $state.raw(null);
	/** What is looked for here, beside what the preferences remember. */
	place: EventPlace = $state.raw(ANYWHERE);
	/** The event that was gone to last, a row of the table; null = none. */
	selected: number | null = $state.raw(null);
	readonly presence: Presence;
	readonly #host: HostApi;
	readonly #sourceNow: () => EventSource | null;
	readonly #wishNow: () => EventWish;
	/** Rows of the events that are looked for, in the order of time. */
	readonly rows: Uint32Array = $derived.by(() =>
		this.answer === null ? NONE : filterEvents(this.answer.events, this.filter),
	);
	readonly filter: EventFilter = $derived.by(() => this.#filter());
	#waiting: ReturnType<typeof setTimeout> | null = null;
	#asking: Promise<void> | null = null;

	/** `source` and `wish` are read again and again. */
	constructor(host: HostApi, source: () => EventSource | null, wish: () => EventWish) {
		this.#host = host;
		this.presence = new Presence(host);
		this.#sourceNow = source;
		this.#wishNow = wish;
	}

	/** Asks anew after a pause without further wishes, where something has changed. */
	want(): void {
		if (this.#waiting !== null) clearTimeout(this.#waiting);
		this.#waiting = setTimeout(() => void this.ensure(), this.answer === null ? 0 : PAUSE_MS);
	}

	/** Resolves when `answer` is of what the source was at the call, or when that was refused. */
	async ensure(): Promise<void> {
		if (this.#waiting !== null) clearTimeout(this.#waiting);
		this.#waiting = null;
		// What was asked for earlier may be of an earlier source; a run in progress changes again meanwhile.
		if (this.#asking) await this.#asking;
		if (this.#isCurrent()) return;
		this.#asking ??= this.#ask().finally(() => (this.#asking = null));
		await this.#asking;
	}

	/** The frame of the next event that is looked for, or the previous one, which becomes the selected one; null for none. */
	async step(frameIndex: number, step: 1 | -1): Promise<number | null> {
		await this.ensure();
		const { answer, rows, selected } = this;
		if (!answer) return null;
		const { frameIndices } = answer.events;
		// Of several in one frame, each is gone to.
		const at = selected === null || frameIndices[selected] !== frameIndex ? -1 : rows.indexOf(selected);
		const row = at >= 0 ? (rows[at + step] ?? -1) : nextEvent(answer.events, rows, frameIndex, step);
		if (row < 0) return null;
		this.selected = row;
		return frameIndices[row]!;
	}

	/** The event in a row of the table. */
	at(row: number): ShownEvent | null {
		const { answer } = this;
		if (!answer || row >= answer.events.count) return null;
		const { events, source } = answer;
		const classIndex = events.classIndices[row]!;
		return {
			row,
			kind: EVENT_KINDS[events.kinds[row]!]!,
			frame: events.frameIndices[row]!,
			timeSeconds: events.timesSeconds[row]!,
			identity: events.identities[row]!,
			className: source.classes[classIndex] ?? String(classIndex),
			place: placesOf(source.zones)[events.places[row]!]?.name ?? null,
			direction: events.directions[row]!,
			amount: events.amounts[row]!,
			score: events.scores[row]!,
		};
	}

	/** In the terms of the answer's table. A class or a zone that this run or video doesn't have does not matter. */
	#filter(): EventFilter {
		const { kind, className, leastScore, leastHeight, mostHeight } = this.#wishNow();
		const { placeId, direction, fromSeconds, toSeconds } = this.place;
		const source = this.answer?.source;
		const shapes = source ? placesOf(source.zones) : [];
		return {
			kinds: kind === null ? null : [kind],
			classes: wanted(source?.classes.indexOf(className ?? '')),
			places: wanted(shapes.findIndex(({ id }) => id === placeId)),
			direction: kind === 'crossed' ? direction : null,
			leastScore,
			leastHeight,
			mostHeight,
			fromSeconds,
			toSeconds,
		};
	}

	#limits(): Pick<EventWish, 'dwellSeconds' | 'mostAtOnce'> {
		const { dwellSeconds, mostAtOnce } = this.#wishNow();
		return { dwellSeconds, mostAtOnce };
	}

	#isCurrent(): boolean {
		const now = this.#sourceNow();
		if (now === null) return true;
		const { answer } = this;
		return (
			answer !== null &&
			answer.source.runId === now.runId &&
			answer.source.zones === now.zones &&
			answer.source.version === now.version &&
			answer.limits === JSON.stringify(this.#limits())
		);
	}

	async #ask(): Promise<void> {
		const source = this.#sourceNow()!;
		const { runId, zones } = source;
		const limits = this.#limits();
		try {
			const events = await this.#host.request('events.list', { runId, zones, ...limits });
			this.selected = null;
			this.answer = { source, limits: JSON.stringify(limits), events };
			this.error = null;
		} catch (reason) {
			this.error = toErrorData(reason);
		}
	}
}

const NONE = new Uint32Array(0);

/** A list of one index; null where something was not found. */
function wanted(index = -1): readonly number[] | null {
	return index < 0 ? null : [index];
}

import { EVENT_KINDS, type EventKind } from '../../main/counting/events.ts';
import { firstIndex } from '../../main/domain/first-index.ts';
import type { ErrorData } from '../../main/domain/errors.ts';
import type { ZoneSet } from '../../main/domain/zones.ts';
import type { HostApi } from '../../preload/contract.ts';
import type { ZoneCounts } from '../../preload/zones-contract.ts';
import { toErrorData } from '../api.ts';

/** Pause after the last change of zones before they are counted anew. */
const PAUSE_MS = 200;

/** Events behind a number: rows of the table. */
export type Counted = {
	label: 'forwards' | 'backwards' | 'entered' | 'left' | 'dwelt';
	rows: readonly number[];
};
export type ClassRow = {
	classIndex: number;
	counts: readonly Counted[];
	meanSeconds: number;
	longestSeconds: number;
};

/** What the run of the active pane counts at the zones as they are drawn. */
export class ZoneCounter {
	/** The last answer, and what it was asked of; null before the first. */
	answer: { runId: string; set: ZoneSet; counts: ZoneCounts } | null = $state.raw(null);
	error: ErrorData | null = $state.raw(null);
	readonly #host: HostApi;
	#waiting: ReturnType<typeof setTimeout> | null = null;
	#asked = 0;

	constructor(host: HostApi) {
		this.#host = host;
	}

	/** Counts after a pause without further wishes. */
	want(runId: string, set: ZoneSet): void {
		if (this.#waiting !== null) clearTimeout(this.#waiting);
		this.#waiting = setTimeout(() => void this.#ask(runId, set), PAUSE_MS);
	}

	async #ask(runId: string, set: ZoneSet): Promise<void> {
		const asked = ++this.#asked;
		try {
			const counts = await this.#host.request('zones.counts', { runId, zones: set });
			if (asked !== this.#asked) return;
			this.answer = { runId, set, counts };
			this.error = null;
		} catch (reason) {
			if (asked === this.#asked) this.error = toErrorData(reason);
		}
	}
}

/** The classes that a zone or line has counted, by its place among zones and, behind them, lines. */
export function countsAt({ events }: ZoneCounts, place: number, isLine: boolean): ClassRow[] {
	const perClass = new Map<number, Map<Counted['label'], number[]>>();
	for (let row = 0; row < events.count; row++) {
		if (events.places[row] !== place) continue;
		const classIndex = events.classIndices[row]!;
		const lists = perClass.get(classIndex) ?? new Map<Counted['label'], number[]>();
		perClass.set(classIndex, lists);
		for (const label of labelsOf(EVENT_KINDS[events.kinds[row]!]!, events.directions[row]!)) {
			const list = lists.get(label) ?? [];
			lists.set(label, list);
			list.push(row);
		}
	}
	const labels: readonly Counted['label'][] = isLine
		? ['forwards', 'backwards']
		: ['entered', 'left', 'dwelt'];
	return [...perClass]
		.sort(([a], [b]) => a - b)
		.map(([classIndex, lists]) => {
			const seconds = (lists.get('dwelt') ?? []).map((row) => events.amounts[row]!);
			return {
				classIndex,
				counts: labels.map((label) => ({ label, rows: lists.get(label) ?? [] })),
				meanSeconds: seconds.reduce((sum, one) => sum + one, 0) / Math.max(1, seconds.length),
				longestSeconds: Math.max(0, ...seconds),
			};
		});
}

/** Every stay ends once: by leaving, or with the last sighting. */
function labelsOf(kind: EventKind, direction: number): Counted['label'][] {
	switch (kind) {
		case 'crossed':
			return [direction > 0 ? 'forwards' : 'backwards'];
		case 'entered':
			return ['entered'];
		case 'left':
			return ['left', 'dwelt'];
		case 'disappeared':
			return ['dwelt'];
		default:
			return [];
	}
}

/** How many objects a zone holds in a frame. */
export function insideAt({ occupancy }: ZoneCounts, zone: number, frameIndex: number): number {
	const steps = occupancy[zone];
	if (!steps) return 0;
	const { frameIndices, counts } = steps;
	const next = firstIndex(frameIndices.length, (i) => frameIndices[i]! > frameIndex);
	return counts[next - 1] ?? 0;
}

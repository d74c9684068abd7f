import type { ErrorData } from '../../main/domain/errors.ts';
import { PART_STEP } from '../../main/domain/track-labels.ts';
import type { TrackEdit } from '../../main/tracking/track-edits.ts';
import type { HostApi, RequestInput } from '../../preload/contract.ts';
import { toErrorData } from '../api.ts';
import type { Identities } from './identities.svelte.ts';
import type { Undo } from './undo.svelte.ts';

/** An object of a run. */
export type ChosenTrack = { runId: string; identity: number };
type ShownRun = { runId: string; identities: Pick<Identities, 'reload'> };
type Edits = readonly TrackEdit[];

/** Which followed object is selected, and what a person changes of the tracks of the runs shown. */
export class TrackEditor {
	selected: ChosenTrack | null = $state.raw(null);
	/** Whether the object that is picked next is joined with the selected one. */
	joining = $state(false);
	/** Why the last change was refused. */
	error: ErrorData | null = $state.raw(null);
	/** Whether the last undo or redo was left out, for the edits are others by now. */
	overtaken = $state(false);
	readonly #host: HostApi;
	readonly #undo: Undo;
	readonly #runsShown: () => readonly ShownRun[];
	#known: ReadonlyMap<string, Edits> = $state.raw(new Map());
	/** Changes wait for each other. */
	#working: Promise<void> = Promise.resolve();

	constructor(host: HostApi, undo: Undo, runsShown: () => readonly ShownRun[]) {
		this.#host = host;
		this.#undo = undo;
		this.#runsShown = runsShown;
	}

	/** The selected object of a run; 0 for none. */
	selectedIn(runId: string | undefined): number {
		return this.selected !== null && this.selected.runId === runId ? this.selected.identity : 0;
	}

	/** Objects of a run that are hidden. */
	hiddenIn(runId: string): number[] {
		return (this.#known.get(runId) ?? []).flatMap((edit) => (edit.kind === 'hide' ? [edit.track] : []));
	}

	/** Selects an object, 0 for none; or joins it with the selected one, where that was asked for. */
	async pick(runId: string, identity: number): Promise<void> {
		const before = this.selectedIn(runId);
		if (this.joining && before > 0) {
			if (identity > 0 && identity !== before) await this.join(identity);
			return;
		}
		this.joining = false;
		this.error = null;
		this.overtaken = false;
		this.selected = identity > 0 ? { runId, identity } : null;
	}

	/** From this frame on, the selected object is another one, which is then selected. */
	split(frame: number): Promise<void> {
		return this.#change((edits, track) => {
			const whose = track % PART_STEP;
			const earlier = edits.filter((edit) => edit.kind === 'split' && edit.track % PART_STEP === whose);
			return {
				edits: [...edits, { kind: 'split', track, frame }],
				selected: whose + (earlier.length + 1) * PART_STEP,
			};
		});
	}

	/** The selected object and another one are the same. */
	join(other: number): Promise<void> {
		this.joining = false;
		return this.#change((edits, track) => ({
			edits: [...edits, { kind: 'join', tracks: [track, other] }],
			selected: track,
		}));
	}

	/** An empty name takes it away. */
	rename(name: string): Promise<void> {
		return this.#change((edits, track) => ({
			edits: [...edits, { kind: 'rename', track, name: name.trim().slice(0, 120) }],
			selected: track,
		}));
	}

	hide(): Promise<void> {
		return this.#change((edits, track) => ({ edits: [...edits, { kind: 'hide', track }], selected: 0 }));
	}

	/** Shows an object again that was hidden. */
	show(runId: string, identity: number): Promise<void> {
		this.selected = { runId, identity };
		return this.#change((edits) => ({
			edits: edits.filter((edit) => edit.kind !== 'hide' || edit.track !== identity),
			selected: identity,
		}));
	}

	/** Reads the edits of the runs shown, and shows those that were made elsewhere meanwhile. */
	catchUp(): Promise<void> {
		return this.#next(async () => {
			for (const run of this.#runsShown()) {
				const edits = await this.#host.request('tracks.edits', { runId: run.runId });
				if (sameEdits(edits, this.#known.get(run.runId) ?? [])) continue;
				this.#knows(run.runId, edits);
				await run.identities.reload();
			}
		});
	}

	#change(change: (edits: Edits, track: number) => { edits: Edits; selected: number }): Promise<void> {
		const { selected } = this;
		if (!selected) return Promise.resolve();
		const { runId, identity } = selected;
		return this.#next(async () => {
			const before = await this.#host.request('tracks.edits', { runId });
			const after = change(before, identity);
			await this.#put(runId, after.edits);
			const next = after.selected > 0 ? { runId, identity: after.selected } : null;
			if (this.selected === selected) this.selected = next;
			this.#undo.did({
				undo: () => void this.#swap(runId, after.edits, before, selected),
				redo: () => void this.#swap(runId, before, after.edits, next),
			});
		});
	}

	/** Takes a change back, or makes it again, unless somebody else has changed tracks since. */
	#swap(runId: string, from: Edits, to: Edits, selected: ChosenTrack | null): Promise<void> {
		return this.#next(async () => {
			const now = await this.#host.request('tracks.edits', { runId });
			this.overtaken = !sameEdits(now, from);
			if (this.overtaken) return;
			await this.#put(runId, to);
			this.selected = selected;
		});
	}

	async #put(runId: string, edits: Edits): Promise<void> {
		const plain = structuredClone(edits) as RequestInput<'tracks.edit'>['edits'];
		await this.#host.request('tracks.edit', { runId, edits: plain });
		this.#knows(runId, edits);
		await this.#runsShown()
			.find((run) => run.runId === runId)
			?.identities.reload();
	}

	#knows(runId: string, edits: Edits): void {
		this.#known = new Map([...this.#known, [runId, edits]]);
	}

	#next(work: () => Promise<void>): Promise<void> {
		this.#working = this.#working.then(async () => {
			try {
				await work();
				this.error = null;
			} catch (reason) {
				this.error = toErrorData(reason);
			}
		});
		return this.#working;
	}
}

function sameEdits(a: Edits, b: Edits): boolean {
	return JSON.stringify(a) === JSON.stringify(b);
}

import type { ExecutionRemark } from '../../main/domain/execution-words.ts';
import type { ErrorData } from '../../main/domain/errors.ts';
import type { SettingValue, SettingValues } from '../../main/domain/settings-table.ts';
import type { RunAgreement, RunEntry } from '../../preload/contract.ts';
import type { TruthFrom } from '../../preload/truth-contract.ts';
import type { RunData } from './run-data.svelte.ts';

/** What the next run of a pane will be made with. */
export type Draft = { modelId: string; mode: string; settings: SettingValues };

/** An answer and its request. */
export type PaneAgreement = {
	runId: string;
	referenceRunId: string;
	truthId: string | null;
	truthFrom: TruthFrom;
	/** Runs whose average precision stands beside. */
	besideIds: readonly string[];
	result: RunAgreement;
};

/** One picture of the video: the run shown in it, and what its next run will be made with. */
export class Pane {
	readonly id: number;
	draft: Draft = $state.raw({ modelId: '', mode: '', settings: {} });
	run: RunData | null = $state.raw(null);
	/** Whether a start was requested and not answered yet. */
	starting = $state(false);
	/** A run that the host has accepted but not opened yet: it waits for its turn, or loads its model. */
	pending: RunEntry | null = $state.raw(null);
	/** How `run` agrees with the reference run of the comparison. */
	agreement: PaneAgreement | null = $state.raw(null);
	error: ErrorData | null = $state.raw(null);
	/** Where the runs of this pane are computed, as far as a person should know. */
	remarks: readonly { runId: string; remark: ExecutionRemark }[] = $state.raw([]);

	constructor(id: number, draft: Draft) {
		this.id = id;
		this.draft = draft;
	}

	get active(): boolean {
		return this.run?.entry.active ?? false;
	}

	/** Whether a run is in progress, starting or waiting for its turn. */
	get busy(): boolean {
		return this.active || this.starting || this.pending !== null;
	}

	/** What is being tried or measured is worth no word once it was. */
	note(runId: string, remark: ExecutionRemark): void {
		const isPassing = ({ type }: ExecutionRemark) => type === 'trying' || type === 'measuring';
		const kept = this.remarks.filter((one) => one.runId === runId && !isPassing(one.remark));
		this.remarks = [...kept, { runId, remark }];
	}

	dismiss(remark: ExecutionRemark): void {
		this.remarks = this.remarks.filter((one) => one.remark !== remark);
	}

	choose(change: Partial<Draft>): void {
		this.draft = { ...this.draft, ...change };
	}

	set(name: string, value: SettingValue): void {
		this.draft = { ...this.draft, settings: { ...this.draft.settings, [name]: value } };
	}
}

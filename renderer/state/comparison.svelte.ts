import type { ErrorData } from '../../main/domain/errors.ts';
import type { SettingValue, SettingValues } from '../../main/domain/settings-table.ts';
import { TOKEN_MAP_KINDS, type TokenMapKind } from '../../main/domain/tokens.ts';
import { WHOLE_VIDEO, type FrameRange } from '../../main/domain/video.ts';
import type { AppDescription, HostApi, HostEvent, OpenedVideo, RunEntry } from '../../preload/contract.ts';
import type { VideoView } from '../../preload/projects-contract.ts';
import { toErrorData } from '../api.ts';
import { referenceOfRun, referenceRunId, updateAgreements } from './agreements.ts';
import { meansOfSummary } from './measures.ts';
import { draftOf } from './draft.ts';
import { Pane, type Draft } from './pane.svelte.ts';
import type { TruthFrom } from '../../preload/truth-contract.ts';
import { TruthView } from './truth-view.svelte.ts';
import { RunData } from './run-data.svelte.ts';
import type { FrameMeans } from './timeline-columns.ts';

export const MOST_PANES = 4;
/** Least pause between two live changes. */
const LIVE_PAUSE_MS = 100;

type RunEvent = Extract<HostEvent, { runId: string }>;

/** The panes of one video, their runs, and the agreement of the runs. */
export class Comparison {
	panes: readonly Pane[] = $state.raw([]);
	activeIndex = $state(0);
	/** Whether the active pane alone is shown. */
	maximised = $state(false);
	/** Stored runs of the video, newest first. */
	runs: readonly RunEntry[] = $state.raw([]);
	truth: { truthId: string; name: string; from: TruthFrom } | null = $state.raw(null);
	/** Means of reference runs that no pane shows, by run. */
	#storedMeans: ReadonlyMap<string, FrameMeans> = $state.raw(new Map());
	readonly active: Pane = $derived(this.panes[Math.min(this.activeIndex, this.panes.length - 1)]!);
	/** Kinds of token maps that some pane's run has. */
	readonly mapKinds: readonly TokenMapKind[] = $derived(
		TOKEN_MAP_KINDS.filter((kind) => this.panes.some(({ run }) => run?.mapKinds.includes(kind))),
	);
	/**
	 * Whether the panes and stored runs of the video use several models, so that a mode alone does not identify a run.
	 */
	readonly hasSeveralModels: boolean = $derived(
		new Set(
			[...this.panes.map(({ run, draft }) => run?.entry ?? draft), ...this.runs].map(
				({ modelId }) => modelId,
			),
		).size > 1,
	);
	readonly reference: string | null = $derived(referenceRunId(this.panes, this.runs));
	readonly #host: HostApi;
	#app: AppDescription;
	readonly #video: OpenedVideo;
	readonly #calm: Promise<void>;
	#nextPaneId = 1;
	/** Live settings that wait for the end of the pause after the last ones; null = no pause. */
	#unsent: SettingValues | null = null;
	/** Events of runs whose start was not answered yet, or that are not loaded yet. */
	#early: RunEvent[] = [];
	readonly #adopting = new Set<string>();
	readonly #loading = new Map<string, Promise<RunData>>();

	/** `calm` settles when the page has time for what is not on the screen yet. */
	constructor(
		host: HostApi,
		app: AppDescription,
		video: OpenedVideo,
		calm: Promise<void> = Promise.resolve(),
	) {
		this.#host = host;
		this.#app = app;
		this.#video = video;
		this.#calm = calm;
		this.runs = video.runs;
		const { modelId, mode } = app.preferences;
		const model = app.models.find(({ id }) => id === modelId) ?? app.models[0];
		const modes = model?.modes ?? [];
		const firstMode = modes.includes(mode) ? mode : (modes.find((id) => id !== 'dense') ?? modes[0] ?? '');
		this.panes = [this.#newPane(this.draftFor(model?.id ?? '', firstMode))];
	}

	/** Models that can be run from now on. */
	useModels(models: AppDescription['models']): void {
		this.#app = { ...this.#app, models };
	}

	/** Shows a run in progress, or the newest complete one, so that a video opens as it was left. */
	async restore(): Promise<void> {
		const entry =
			this.runs.find(({ active }) => active) ??
			this.runs.find(({ status }) => status.state === 'complete') ??
			this.runs[0];
		if (entry?.waiting) this.active.pending = entry;
		else if (entry) await this.showRun(this.active, entry.runId);
	}

	/** Shows the panes that a project has left, each with its run; a run that is gone is said. */
	async restoreView({ panes, activePane, maximised }: VideoView): Promise<void> {
		const isKnown = ({ mode }: Draft) => this.#app.modes.some(({ id }) => id === mode);
		const drafts = panes.map(({ draft }) => (isKnown(draft) ? draft : this.active.draft));
		const shown = drafts.map((draft) => this.#newPane(draft));
		this.panes = shown;
		this.activeIndex = Math.min(activePane, shown.length - 1);
		this.maximised = maximised;
		await Promise.all(
			panes.map(async ({ runId }, i) => {
				const pane = shown[i]!;
				const entry = this.runs.find((one) => one.runId === runId);
				if (runId === null) return;
				if (!entry) {
					const message = `A stored run ${runId} was expected (it is not there any more).`;
					pane.error = { code: 'project-run-gone', message, remedy: null, stack: null };
				} else if (entry.waiting) pane.pending = entry;
				else {
					await this.#load(pane, runId);
					pane.draft = drafts[i]!;
				}
			}),
		);
		await this.compare();
	}

	/** Defaults of the mode's table, overridden by what was last used. */
	draftFor(modelId: string, mode: string): Draft {
		return draftOf(this.#app, modelId, mode);
	}

	/** Adds a pane with the first mode that no pane has yet. */
	addPane(): void {
		if (this.panes.length >= MOST_PANES) return;
		const { modelId } = this.active.draft;
		const modes = this.#app.models.find(({ id }) => id === modelId)?.modes ?? [];
		const taken = new Set(this.panes.map(({ run, draft }) => run?.entry.mode ?? draft.mode));
		const mode = modes.find((id) => !taken.has(id)) ?? this.active.draft.mode;
		this.panes = [...this.panes, this.#newPane(this.draftFor(modelId, mode))];
		this.activeIndex = this.panes.length - 1;
	}

	/** Removes a pane; its run stays stored. The last pane cannot be removed. */
	removePane(index: number): void {
		if (this.panes.length <= 1) return;
		this.panes = this.panes.filter((_, i) => i !== index);
		if (this.activeIndex > index || this.activeIndex >= this.panes.length) this.activeIndex--;
		void this.compare();
	}

	activate(index: number): void {
		if (index < this.panes.length) this.activeIndex = index;
	}

	/** Every pane's run shows classes from `score` on, where that is lower than what they need. */
	showFrom(score: number): void {
		for (const { run } of this.panes) run?.showFrom(score);
	}

	async showRun(pane: Pane, runId: string): Promise<void> {
		await this.#load(pane, runId);
		await this.compare();
	}

	async #load(pane: Pane, runId: string): Promise<void> {
		try {
			pane.run = await this.#runOf(runId);
			const { modelId, mode, settings } = pane.run.entry;
			if (this.#app.modes.some(({ id }) => id === mode)) {
				pane.draft = {
					modelId,
					mode,
					settings: { ...this.draftFor(modelId, mode).settings, ...settings },
				};
			}
			pane.error = null;
		} catch (reason) {
			pane.error = toErrorData(reason);
		} finally {
			this.#replay();
		}
	}

	/** Panes of one run share it. */
	async #runOf(runId: string): Promise<RunData> {
		const shown = this.panes.find(({ run }) => run?.runId === runId)?.run;
		if (shown) return shown;
		const loading = this.#loading.get(runId) ?? RunData.open(this.#host, runId, this.#calm);
		this.#loading.set(runId, loading);
		return loading.finally(() => this.#loading.delete(runId));
	}

	/** Starts the pane's run; the host queues it while another one is running. */
	async start(pane: Pane, range: FrameRange = WHOLE_VIDEO): Promise<void> {
		if (pane.busy) return;
		pane.starting = true;
		pane.error = null;
		try {
			const { videoId } = this.#video;
			pane.pending = await this.#host.request('analysis.start', { videoId, ...pane.draft, range });
			this.runs = [pane.pending, ...this.runs];
		} catch (reason) {
			pane.error = toErrorData(reason);
		} finally {
			pane.starting = false;
			this.#replay();
		}
	}

	async stop(pane: Pane): Promise<void> {
		const runId = pane.pending?.runId ?? (pane.active ? pane.run?.runId : undefined);
		if (runId === undefined) return;
		try {
			await this.#host.request('analysis.cancel', { runId });
		} catch (reason) {
			if (pane.busy) pane.error = toErrorData(reason); // else it has just ended by itself
		}
	}

	async resume(pane: Pane): Promise<void> {
		const run = pane.run;
		if (!run || pane.busy) return;
		pane.starting = true;
		pane.error = null;
		try {
			// It may continue from an earlier frame than the last one here: it is reloaded once it has opened.
			pane.pending = await this.#host.request('analysis.resume', { runId: run.runId });
		} catch (reason) {
			pane.error = toErrorData(reason);
		} finally {
			pane.starting = false;
			this.#replay();
		}
	}

	/** Changes a setting of the next run and, if the mode allows it, of the one in progress. */
	async change(pane: Pane, name: string, value: SettingValue): Promise<void> {
		const spec = this.#app.modes.find(({ id }) => id === pane.draft.mode)?.settings[name];
		for (const [other, implied] of Object.entries(spec?.implies ?? {})) pane.set(other, implied);
		pane.set(name, value);
		const run = pane.run;
		if (!run?.entry.active || !spec?.live || run.entry.mode !== pane.draft.mode) return;
		await this.#sendLive(pane, run.runId, { [name]: value });
	}

	/** Every change is recorded with the run: of a burst of changes, as from a slider, only some are sent. */
	async #sendLive(pane: Pane, runId: string, settings: SettingValues): Promise<void> {
		if (this.#unsent) {
			Object.assign(this.#unsent, settings);
			return;
		}
		const unsent: SettingValues = {};
		this.#unsent = unsent;
		setTimeout(() => {
			this.#unsent = null;
			if (Object.keys(unsent).length > 0 && pane.active) void this.#sendLive(pane, runId, unsent);
		}, LIVE_PAUSE_MS);
		try {
			await this.#host.request('analysis.change', { runId, settings });
		} catch (reason) {
			pane.error = toErrorData(reason);
		}
	}

	/** Deletes a stored run; returns why that failed, or null. */
	async deleteRun(runId: string): Promise<ErrorData | null> {
		try {
			await this.#host.request('run.delete', { runId });
		} catch (reason) {
			return toErrorData(reason);
		}
		this.runs = this.runs.filter((entry) => entry.runId !== runId);
		for (const pane of this.panes) if (pane.run?.runId === runId) pane.run = null;
		await this.compare();
		return null;
	}

	/** The run that a run is measured against; null if there is none. */
	referenceOf(entry: RunEntry): string | null {
		return referenceOfRun(entry, this.panes, this.runs, this.reference);
	}

	/** Means of what a run is measured against; null while there is none. */
	referenceMeansOf(entry: RunEntry): FrameMeans | null {
		const reference = this.referenceOf(entry);
		if (reference === null) return null;
		const shown = this.panes.find(({ run }) => run?.runId === reference)?.run;
		return shown ? shown.timeline.means() : (this.#storedMeans.get(reference) ?? null);
	}

	/** Updates agreements for the current panes. */
	async compare(): Promise<void> {
		const referenceOf = (entry: RunEntry) => this.referenceOf(entry);
		for (const { run } of this.panes) {
			const runId = run && referenceOf(run.entry);
			if (!runId || this.#storedMeans.has(runId) || this.panes.some((pane) => pane.run?.runId === runId))
				continue;
			const summary = await this.#host.request('run.summary', { runId }).catch(() => null);
			if (summary) this.#storedMeans = new Map([...this.#storedMeans, [runId, meansOfSummary(summary)]]);
		}
		this.#showTruth();
		await updateAgreements(this.#host, this.panes, referenceOf, this.truth);
	}

	/** Shows finished runs beside the chosen truth. */
	#showTruth(): void {
		const { truth } = this;
		for (const { run } of this.panes) {
			if (!run) continue;
			const known = run.truth;
			if (!truth || run.entry.active) run.truth = null;
			else if (known?.truthId !== truth.truthId || known.from !== truth.from)
				run.truth = new TruthView(this.#host, run.runId, truth.truthId, truth.from);
		}
	}

	/** Asks the user for a file of ground truth, and adds average precision to the comparison. */
	async chooseTruth(): Promise<void> {
		try {
			const truth = await this.#host.request('truth.choose', { videoId: this.#video.videoId });
			if (truth) await this.useTruth(truth);
		} catch (reason) {
			this.active.error = toErrorData(reason);
		}
	}

	async useTruth(truth: { truthId: string; name: string }): Promise<void> {
		this.truth = { ...truth, from: null };
		await this.compare();
	}

	/** Reads the chosen ground truth with another number for the first frame. */
	async numberTruthFrom(from: TruthFrom): Promise<void> {
		if (!this.truth) return;
		this.truth = { ...this.truth, from };
		await this.compare();
	}

	async refreshRuns(): Promise<void> {
		this.runs = await this.#host.request('run.list', { videoId: this.#video.videoId });
	}

	take(event: HostEvent): void {
		if (!('runId' in event)) return;
		const pane = this.panes.find(({ run, pending }) => (pending ?? run?.entry)?.runId === event.runId);
		if (pane && !pane.pending) this.#tell(pane, event);
		else if (pane) this.#tellPending(pane, event);
		else if (this.#loading.has(event.runId) || this.panes.some(({ starting }) => starting))
			this.#early.push(event);
		if (event.type === 'analysis.ended') {
			this.runs = this.runs.map((entry) => (entry.runId === event.runId ? event.entry : entry));
		}
	}

	#tell(pane: Pane, event: RunEvent): void {
		const run = pane.run!;
		switch (event.type) {
			case 'analysis.progress':
				run.progress = event.progress;
				break;
			case 'analysis.frames':
				run.take(event.batch);
				break;
			case 'analysis.settings':
				run.events = [...run.events, event.event];
				break;
			case 'analysis.refused':
				pane.error = event.error;
				break;
			case 'analysis.ended':
				void this.#ended(pane, run, event.entry, event.error);
				break;
			case 'analysis.opened':
				// It goes on from an earlier frame: it had lost its device.
				pane.pending = run.entry;
				void this.#adopt(pane, event.runId);
				break;
			case 'analysis.remark':
				pane.note(event.runId, event.remark);
				break;
			default:
				event satisfies never;
		}
	}

	#tellPending(pane: Pane, event: RunEvent): void {
		if (event.type === 'analysis.opened') {
			void this.#adopt(pane, event.runId);
		} else if (event.type === 'analysis.remark') {
			pane.note(event.runId, event.remark);
		} else if (event.type === 'analysis.ended' && !this.#adopting.has(event.runId)) {
			pane.pending = null;
			pane.error = event.error;
			if (event.error === null) void this.showRun(pane, event.runId);
		} else {
			this.#early.push(event);
		}
	}

	/** Shows a run from its first frame on. */
	async #adopt(pane: Pane, runId: string): Promise<void> {
		this.#adopting.add(runId);
		try {
			pane.run = await RunData.open(this.#host, runId);
			pane.agreement = null;
		} catch (reason) {
			pane.error = toErrorData(reason);
		} finally {
			this.#adopting.delete(runId);
			pane.pending = null;
			this.#replay();
		}
	}

	/** Catches up with the host after a lost connection. */
	async catchUp(): Promise<void> {
		await this.refreshRuns();
		for (const { run } of this.panes) {
			if (!run) continue;
			const entry = this.runs.find(({ runId }) => runId === run.runId);
			if (entry) run.entry = entry;
			await run.catchUp();
		}
	}

	async #ended(pane: Pane, run: RunData, entry: RunEntry, error: ErrorData | null): Promise<void> {
		run.entry = entry;
		run.progress = null;
		pane.error = error;
		if (run.timeline.length < entry.status.framesStored) await run.catchUp().catch(() => undefined);
		await this.compare();
	}

	#replay(): void {
		const early = this.#early;
		this.#early = [];
		for (const event of early) this.take(event);
	}

	#newPane(draft: Draft): Pane {
		return new Pane(this.#nextPaneId++, draft);
	}
}

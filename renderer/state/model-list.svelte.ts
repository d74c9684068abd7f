import type { ErrorData } from '../../main/domain/errors.ts';
import type { Answers, HostApi, HostEvent, ListedModel } from '../../preload/contract.ts';
import { toErrorData } from '../api.ts';
import type { MessageKey } from '../i18n/en.ts';

/** What the list says of the last thing that was done. */
export type ModelNotice = { key: MessageKey; values: Record<string, string> };
export type ModelCheck = Answers['models.verify'];

/** The models that are there and that can be got, and what a person does with them. */
export class ModelList {
	models: readonly ListedModel[] = $state.raw([]);
	/** Whether the list was read once. */
	known = $state(false);
	chosenId: string | null = $state(null);
	notice: ModelNotice | null = $state.raw(null);
	error: ErrorData | null = $state.raw(null);
	/** The mode that is being measured, and of which model. */
	measuring: { modelId: string; mode: string } | null = $state.raw(null);
	verifyingId: string | null = $state(null);
	/** The last verification. */
	check: { modelId: string; result: ModelCheck } | null = $state.raw(null);
	readonly chosen: ListedModel | null = $derived(
		this.models.find(({ modelId }) => modelId === this.chosenId) ?? null,
	);
	readonly #host: HostApi;
	readonly #onAdded: (model: ListedModel) => Promise<void>;

	/** `onAdded` is told of every model of the user's own that was added. */
	constructor(host: HostApi, onAdded: (model: ListedModel) => Promise<void>) {
		this.#host = host;
		this.#onAdded = onAdded;
	}

	async refresh(): Promise<void> {
		await this.#try(async () => {
			this.models = await this.#host.request('models.list', {});
			this.known = true;
			this.chosenId ??= this.models[0]?.modelId ?? null;
		});
	}

	choose(modelId: string): void {
		this.chosenId = modelId;
		this.notice = null;
		this.error = null;
	}

	/** A person has accepted the licence. */
	async get(modelId: string): Promise<void> {
		this.#clear();
		await this.#try(() => this.#host.request('models.get', { modelId }));
		await this.refresh();
	}

	async cancel(modelId: string): Promise<void> {
		await this.#try(() => this.#host.request('models.cancel', { modelId }));
	}

	async remove(modelId: string): Promise<void> {
		this.#clear();
		await this.#try(() => this.#host.request('models.remove', { modelId }));
		await this.refresh();
		if (!this.chosen) this.chosenId = this.models[0]?.modelId ?? null;
	}

	async verify(modelId: string): Promise<void> {
		this.#clear();
		this.verifyingId = modelId;
		await this.#try(async () => {
			this.check = { modelId, result: await this.#host.request('models.verify', { modelId }) };
		});
		this.verifyingId = null;
	}

	/** On the first frames of a video; of the sample where none is open. */
	async measure(modelId: string, mode: string, videoId: string | null): Promise<void> {
		this.#clear();
		this.measuring = { modelId, mode };
		await this.#try(() => this.#host.request('models.measure', { modelId, mode, videoId }));
		this.measuring = null;
		await this.refresh();
	}

	/** Desktop: by the system's dialog. */
	add(): Promise<void> {
		return this.#adding(() => this.#host.request('models.choose', {}));
	}

	/** Desktop: what was dropped on the page. */
	adopt(dropToken: string): Promise<void> {
		return this.#adding(() => this.#host.request('models.adopt', { dropToken }));
	}

	/** Web host: what was found in the named folders. */
	addFile(fileId: string): Promise<void> {
		return this.#adding(() => this.#host.request('models.add', { fileId }));
	}

	/** A browser does not reveal where a dropped file lies. */
	refuseDrop(name: string): void {
		this.notice = { key: 'models.dropWeb', values: { name } };
	}

	take(event: HostEvent): void {
		if (event.type === 'model.progress') {
			const { modelId, progress } = event;
			this.models = this.models.map((model) => (model.modelId === modelId ? { ...model, progress } : model));
		}
		if (event.type === 'model.ended') void this.#ended(event.modelId, event.error);
	}

	async #ended(modelId: string, error: ErrorData | null): Promise<void> {
		const name = this.models.find((model) => model.modelId === modelId)?.name ?? modelId;
		await this.refresh();
		if (error === null) this.notice = { key: 'models.got', values: { name } };
		else if (error.code === 'cancelled') this.notice = { key: 'models.cancelled', values: {} };
		else this.error = error;
	}

	async #adding(add: () => Promise<{ modelId: string } | null>): Promise<void> {
		this.#clear();
		const added = await this.#try(add);
		await this.refresh();
		if (!added) return;
		this.chosenId = added.modelId;
		this.notice = { key: 'models.added', values: { name: this.chosen?.name ?? added.modelId } };
		if (this.chosen) await this.#onAdded(this.chosen);
	}

	#clear(): void {
		this.error = null;
		this.notice = null;
		this.check = null;
	}

	async #try<T>(work: () => Promise<T>): Promise<T | null> {
		try {
			return await work();
		} catch (reason) {
			this.error = toErrorData(reason);
			return null;
		}
	}
}

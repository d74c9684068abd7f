import type { HostApi, ListedModel } from '../../preload/contract.ts';
import { foundText } from '../i18n/card-words.ts';
import type { Player } from '../player/player.svelte.ts';
import type { ModelList } from './model-list.svelte.ts';
import { ModelWizard } from './model-wizard.svelte.ts';

type ReadingParts = {
	host: HostApi;
	models: ModelList;
	/** Of the open video, whose frame a reading is shown on; null = the sample's. */
	player: () => Player | null;
	/** Shows the list of models, or what asks. */
	show: (dialog: 'models' | 'wizard') => void;
	/** Whether the list of models is what is shown. */
	isListShown: () => boolean;
};

/** How ONNX files are to be read: found out where a frame leaves no doubt, else asked. */
export class ModelReading {
	/** What asks; null while nothing does. */
	wizard: ModelWizard | null = $state.raw(null);
	readonly #parts: ReadingParts;

	constructor(parts: ReadingParts) {
		this.#parts = parts;
	}

	/** Asks, by a frame of the open video or of the sample. */
	ask(model: ListedModel, isNew = false): void {
		const wizard = this.#wizardOf(model, isNew);
		this.wizard = wizard;
		this.#parts.show('wizard');
		void wizard.look();
	}

	async save(): Promise<void> {
		const { wizard } = this;
		if (!wizard || !(await wizard.save())) return;
		this.#backToModels();
		const { models } = this.#parts;
		await models.refresh();
		const { name, modelId } = wizard.model;
		const saved = models.models.find((model) => model.modelId === modelId);
		models.notice = { key: 'models.cardSaved', values: { name: saved?.name ?? name } };
	}

	/** A file that was added for it goes again. */
	async leave(): Promise<void> {
		const { wizard } = this;
		this.#backToModels();
		await wizard?.stop();
		if (wizard?.isNew) await this.#parts.models.remove(wizard.model.modelId);
	}

	/** An ONNX file opens if it, or a frame, leaves no doubt how it is read; else a person is asked. */
	async added(model: ListedModel): Promise<void> {
		if (model.problem?.code === 'card-needed') return this.ask(model, true);
		if (model.card?.family !== 'onnx') return;
		const { models, show, isListShown } = this.#parts;
		const wizard = this.#wizardOf(model, true);
		await wizard.look(true);
		if (wizard.error) models.error = wizard.error;
		const probe = wizard.seen?.readings[0]?.probe;
		if (!probe || !isListShown()) return;
		if (wizard.isOpen) {
			this.wizard = wizard;
			show('wizard');
		} else {
			models.notice = { key: 'models.addedLikely', values: { name: model.name, found: foundText(probe) } };
		}
	}

	#wizardOf(model: ListedModel, isNew: boolean): ModelWizard {
		const player = this.#parts.player();
		const frame = player && { videoId: player.video.videoId, seconds: player.timeSeconds };
		return new ModelWizard(this.#parts.host, model, { frame, isNew });
	}

	#backToModels(): void {
		this.wizard = null;
		this.#parts.show('models');
	}
}

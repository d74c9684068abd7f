import { z } from 'zod';
import type { ErrorData } from '../main/domain/errors.ts';
import type { MeasuredSpeed } from '../main/domain/speed.ts';
import type { ProviderCheck } from '../main/execution/provider-checks.ts';
import type { ModelCard } from '../main/models/card.ts';
import type { CatalogModel } from '../main/models/catalog-file.ts';
import type { DownloadProgress } from '../main/models/progress-rate.ts';
import type { FileCheck } from '../main/models/receipt.ts';
import type { ModelReadings } from '../main/probing/protocol.ts';

// The part of the contract about models and what they run on.

const id = z.string().regex(/^[a-z0-9-]{1,64}$/);
const modelId = z.string().min(1).max(64);

/** As in `CardChange`. */
const cardChange = z.strictObject({
	reading: z.number().int().min(0).max(64),
	fields: z.array(z.tuple([z.string().max(64), z.string().max(4096)])).max(64),
	names: z.string().max(200_000).nullable(),
});

/** The input of every request about models, by name. */
export const modelRequestSchemas = {
	/** All models that are there, and those of the catalogue that can be got. */
	'models.list': z.strictObject({}),
	/** Downloads a model of the catalogue, after a person accepted its licence; `model.progress` and `model.ended` follow. */
	'models.get': z.strictObject({ modelId }),
	/** What was loaded is kept: getting it again goes on from there. */
	'models.cancel': z.strictObject({ modelId }),
	'models.remove': z.strictObject({ modelId }),
	/** Compares the hashes of its files with those that were published or recorded. */
	'models.verify': z.strictObject({ modelId }),
	/** Desktop: shows the system's dialog, and installs the model that was chosen; null if the user cancels. */
	'models.choose': z.strictObject({}),
	/** Desktop: installs a file or folder that was dropped on the page. */
	'models.adopt': z.strictObject({ dropToken: z.string().max(64) }),
	/** Web host: installs a model that a browse found. */
	'models.add': z.strictObject({ fileId: id }),
	/** Measures a model in a mode on some frames of a video, or of the sample clip, in a process of its own. */
	'models.measure': z.strictObject({ modelId, mode: z.string().max(64), videoId: id.nullable() }),
	/**
	 * How an installed ONNX file can be read, and what each reading sees in a frame of a video, or of the sample: run in a process of
	 * its own. An earlier request is cancelled.
	 */
	'models.readings': z.strictObject({
		modelId,
		videoId: id.nullable(),
		/** In the clock of the file; null = in the middle. */
		seconds: z.number().nullable(),
		changes: z.array(cardChange).max(16),
		/** Whether nothing is run where the file or a card leaves no doubt. */
		unlessCertain: z.boolean(),
	}),
	/** The frame is not wanted any more. */
	'models.stopReadings': z.strictObject({}),
	/** Stores the card of a reading, with what a person changed. */
	'models.saveCard': z.strictObject({ modelId, change: cardChange, place: z.enum(['beside', 'settings']) }),
	/** What graphs can run on here, as remembered; with `anew`, all are tried again. */
	'providers.list': z.strictObject({ anew: z.boolean() }),
} as const;

export type ModelDescription = {
	id: string;
	name: string;
	classes: string[];
	modes: string[];
};

/** A model as the list of models shows it. */
export type ListedModel = {
	modelId: string;
	name: string;
	/** `elsewhere`: a mirror, a folder or the user must bring its files. */
	state: 'installed' | 'available' | 'elsewhere';
	/** Where an installed one comes from; null for all others. */
	source: 'shipped' | 'installed' | 'named' | null;
	/** On the disk or as published; null where that is unknown. */
	bytes: number | null;
	/** Of a download that broke off. */
	loadedBytes: number;
	/** The download in progress. */
	progress: DownloadProgress | null;
	/** What the catalogue says of it; null for the user's own models. */
	published: PublishedModel | null;
	/** What opening an installed one showed; null where it does not open, and for all others. */
	card: ModelCard | null;
	/** Why an installed one does not open: `card-needed` where a person can help. */
	problem: ErrorData | null;
	speeds: MeasuredSpeed[];
};

type PublishedModel = Pick<CatalogModel, 'licence' | 'page' | 'accuracy' | 'unverified' | 'family' | 'form'>;

/** What graphs can run on: whether it works here, and how fast it was when it was measured last. */
export type ProviderDescription = ProviderCheck & { speed: MeasuredSpeed | null };

export type ModelAnswers = {
	'models.list': ListedModel[];
	'models.get': null;
	'models.cancel': null;
	'models.remove': null;
	'models.verify': { state: 'sound' | 'damaged' | 'unrecorded'; files: FileCheck[] };
	'models.choose': { modelId: string } | null;
	'models.adopt': { modelId: string };
	'models.add': { modelId: string };
	/** One for each execution provider. */
	'models.measure': MeasuredSpeed[];
	'providers.list': ProviderDescription[];
	'models.readings': ModelReadings;
	'models.stopReadings': null;
	'models.saveCard': null;
};

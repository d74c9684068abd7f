import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { installationFolder } from '../process/installation.ts';
import { isAllowedAddress } from './addresses.ts';

// The catalogue: models that can be got, and what is known about them. It states what its authors could verify; everything else is
// null, and `unverified` says why.

const id = z.string().regex(/^[a-z0-9-]{1,64}$/);
/** A plain name: no folders, nothing hidden. */
const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);
const host = z.string().regex(/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$/);

const catalogFileSchema = z.strictObject({
	name: fileName,
	/** Null where nobody publishes it at an address of its own: a mirror or a folder may have it. */
	address: z.string().refine(isAllowedAddress, 'must be an https address').nullable(),
	bytes: z.number().int().positive().nullable(),
	sha256: z
		.string()
		.regex(/^[0-9a-f]{64}$/)
		.nullable(),
});

const catalogModelSchema = z.strictObject({
	id,
	name: z.string().min(1),
	task: z.enum(['detection']),
	/** Id of the family that opens it. */
	family: z.string(),
	/**
	 * What its files are: a folder of Sparsight's own or of Hugging Face's transformers, an ONNX export with its configuration, or a
	 * published checkpoint.
	 */
	form: z.enum(['sparsight', 'hugging-face', 'onnx', 'checkpoint']),
	licence: z.strictObject({
		/** SPDX identifier; null where no licence is stated. */
		spdx: z.string().nullable(),
		/** What the identifier does not say, such as another licence of the weights. */
		remark: z.string(),
	}),
	/** Where people read about it. */
	page: z.string().nullable(),
	/** Empty for models that come with Sparsight. */
	files: z.array(catalogFileSchema),
	accuracy: z
		.strictObject({
			measure: z.string(),
			/** As its source counts it: COCO's AP is 0 to 100. */
			value: z.number(),
			source: z.string(),
		})
		.nullable(),
	/** What could not be verified, and why; null where everything was. */
	unverified: z.string().nullable(),
});

const catalogSchema = z.strictObject({
	format: z.literal('sparsight-catalog'),
	version: z.literal(1),
	/** By host, the hosts that it may send a download on to; `*.` stands for any name below. */
	redirects: z.record(host, z.array(host)),
	models: z.array(catalogModelSchema).refine((models) => new Set(models.map((one) => one.id)).size === models.length, {
		message: 'must have each id once',
	}),
});

export type Catalog = z.infer<typeof catalogSchema>;
export type CatalogModel = z.infer<typeof catalogModelSchema>;
export type CatalogFile = CatalogModel['files'][number];

/** Throws what zod throws: the catalogue comes with the program. */
export function parseCatalog(json: unknown): Catalog {
	return catalogSchema.parse(json);
}

let read: Promise<Catalog> | null = null;

/** The catalogue of this installation; read once. */
export function readCatalog(): Promise<Catalog> {
	read ??= readFile(join(installationFolder(), 'models', 'catalog.json'), 'utf8').then((text) =>
		parseCatalog(JSON.parse(text)),
	);
	return read;
}

/** Bytes of a model's files as published, small JSON files left out where unknown; null where the weights' are unknown. */
export function publishedBytes({ files }: CatalogModel): number | null {
	if (files.some(({ name, bytes }) => bytes === null && !name.endsWith('.json'))) return null;
	const sum = files.reduce((bytes, file) => bytes + (file.bytes ?? 0), 0);
	return sum > 0 ? sum : null;
}

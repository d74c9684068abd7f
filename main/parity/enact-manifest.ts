import { z } from 'zod';
import { readDetrConfig } from '../families/detr/config.ts';
import { auditTensors } from '../families/detr/index.ts';
import type { Findings } from './findings.ts';
import { manifestSchema, manifestWeights } from './manifest.ts';

/** A list of a published model's tensors, and what else it states of the model. */
export const detrManifestSchema = manifestSchema.extend({
	heads: z.number(),
	dilation: z.boolean(),
	d_model: z.number(),
	enc_layers: z.number(),
	dec_layers: z.number(),
	dim_feedforward: z.number(),
	backbone_blocks: z.array(z.number()),
});
type DetrManifest = z.infer<typeof detrManifestSchema>;

/** The authors' parameters leave out frozen norms, and count once what Anchor DETR's decoder layers share. */
const NOT_COUNTED =
	/\.(bn\d|downsample\.1)\.(weight|bias|running_mean|running_var)$|^transformer\.(class|bbox)_embed\.[1-9]/;

/** Holds what our network asks for against the list, name by name and shape by shape, and the sizes that it states. */
export function compareDetrManifest(findings: Findings, manifest: DetrManifest): void {
	const name = manifest.model;
	const weights = manifestWeights(manifest);
	const options = { args: { nheads: manifest.heads, dilation: manifest.dilation } };
	const config = readDetrConfig({ path: name, weights, options });
	const { asked } = auditTensors(config, weights, name);
	const missed = Object.keys(manifest.tensors).filter((tensor) => !asked.has(tensor));
	const invented = [...asked.keys()].filter((tensor) => !(tensor in manifest.tensors));
	findings.equalTo(`${name}: tensors that only one side has`, [missed.length, invented.length], [0, 0]);
	for (const [tensor, shape] of Object.entries(manifest.tensors))
		findings.equalTo(`${name}: shape of ${tensor}`, asked.get(tensor) ?? [], shape);
	findings.equalTo(
		`${name}: width, layers, hidden width, blocks, entries, parameters`,
		// prettier-ignore
		[
			config.dim, config.encoderLayers, config.decoderLayers, config.encoderHidden,
			...config.backbone.stages.map(({ blocks }) => blocks), asked.size, countParameters(asked),
		],
		// prettier-ignore
		[
			manifest.d_model, manifest.enc_layers, manifest.dec_layers, manifest.dim_feedforward,
			...manifest.backbone_blocks, manifest.entries, manifest.parameters,
		],
	);
}

function countParameters(asked: ReadonlyMap<string, readonly number[]>): number {
	let parameters = 0;
	for (const [name, shape] of asked)
		if (!NOT_COUNTED.test(name)) parameters += shape.reduce((size, dim) => size * dim, 1);
	return parameters;
}

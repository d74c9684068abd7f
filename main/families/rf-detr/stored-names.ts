import { earlierAttention, type StoredName } from '../lw-detr/stored-names.ts';

/** How Roboflow's checkpoints call what the package's modules call otherwise; most of its files keep their names. */
const ROBOFLOW: readonly (readonly [ours: RegExp, theirs: string])[] = [
	[/^model\.backbone\.backbone\./, 'backbone.0.encoder.encoder.'],
	[/^model\.backbone\.projector\.layer_norm\./, 'backbone.0.projector.stages.0.1.'],
	[/^model\.backbone\.projector\.projector_layer\./, 'backbone.0.projector.stages.0.0.'],
	[/(?<=^backbone\.0\.projector\..*)bottlenecks\.(\d+)\./, 'm.$1.'],
	[/(?<=^backbone\.0\.projector\..*)conv([12])\.conv\./, 'cv$1.conv.'],
	[/(?<=^backbone\.0\.projector\..*)conv([12])\.norm\./, 'cv$1.bn.'],
	[/^model\.reference_point_embed\./, 'refpoint_embed.'],
	[/^model\.query_feat\./, 'query_feat.'],
	[/^model\.(?=decoder\.|enc_out)/, 'transformer.'],
	[/\.self_attn_layer_norm\./, '.norm1.'],
	[/\.cross_attn_layer_norm\./, '.norm2.'],
	[/(?<=^transformer\.decoder\.layers\.\d+)\.layer_norm\./, '.norm3.'],
	[/(?<=^transformer\.decoder\.layers\.\d+)\.mlp\.fc([12])\./, '.linear$1.'],
	[/\.self_attn\.o_proj\./, '.self_attn.out_proj.'],
	[/^transformer\.decoder\.layernorm\./, 'transformer.decoder.norm.'],
];
const FUSED = /\.self_attn\.([qkv])_proj\.(weight|bias)$/;

/** Where a file of Roboflow's, or one that the package wrote in their names, keeps a tensor. */
export function roboflowName(name: string): StoredName {
	const theirs = ROBOFLOW.reduce((renamed, [ours, text]) => renamed.replace(ours, text), name);
	const fused = FUSED.exec(theirs);
	if (!fused) return { name: earlierAttention(theirs, 'output.dense') };
	const [place, part, kind] = fused as unknown as [string, string, string];
	return { name: theirs.replace(place, `.self_attn.in_proj_${kind}`), part: 'qkv'.indexOf(part), parts: 3 };
}

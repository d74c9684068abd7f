import type { OutputForm } from '../card.ts';
import { decodeAnchorPairs } from './anchor-pairs.ts';
import { decodeCenterFace } from './centerface.ts';
import type { Decoder } from './decoder.ts';
import { decodeDetrLogits } from './detr-logits.ts';
import { decodeDetrPostprocessed } from './detr-postprocessed.ts';
import { decodeEndToEnd } from './end-to-end.ts';
import { decodeMmdet } from './mmdet.ts';
import { decodeYoloObjectness } from './yolo-objectness.ts';
import { decodeYoloRaw } from './yolo-raw.ts';
import { decodeYolox } from './yolox.ts';

/** One decoder per form of output. */
export const DECODERS: Readonly<Record<OutputForm, Decoder>> = {
	'yolo-raw': decodeYoloRaw,
	'end-to-end': decodeEndToEnd,
	'yolo-objectness': decodeYoloObjectness,
	yolox: decodeYolox,
	'detr-postprocessed': decodeDetrPostprocessed,
	'detr-logits': decodeDetrLogits,
	mmdet: decodeMmdet,
	centerface: decodeCenterFace,
	'anchor-pairs': decodeAnchorPairs,
};

import { basename, extname } from 'node:path';
import type { Weights } from '../../weights/safetensors.ts';
import { TensorAudit } from '../../weights/tensor-audit.ts';
import type { Model } from '../../detector/detector.ts';
import type { Checkpoint, ModelFamily } from '../family.ts';
import { requireMode } from '../require-mode.ts';
import { classesOf, type DetrConfig, readDetrConfig, recognizeHost } from './config.ts';
import { openDetrDetector } from './detector.ts';
import { emitDetr } from './network.ts';

/** Any size shows which tensors a network asks for. */
const SMALL = { width: 64, height: 64 };

/**
 * DETR, Conditional DETR and Anchor DETR, each as published and with ENACT's clustered attention in its encoder, from
 * their published checkpoints. A checkpoint of ENACT has no other attention: `enact` is how it was trained; `dense` runs
 * the same weights with every token a cluster of its own, so that nothing is averaged or dropped.
 */
export const detrFamily: ModelFamily = {
	id: 'detr',
	title: 'DETR',
	recognizes: (weights) => recognizeHost(weights) !== null,
	open: openDetr,
};

function openDetr(checkpoint: Checkpoint): Model {
	const { path, sha256, weights } = checkpoint;
	const config = readDetrConfig(checkpoint);
	auditTensors(config, weights, path).finish();
	const modes = config.clustered ? ['enact', 'dense', 'motion'] : ['dense', 'motion'];
	const classes = classesOf(config);
	return {
		id: basename(path, extname(path)),
		name: config.title,
		path,
		sha256,
		classes: classes.names,
		displayThreshold: config.host === 'detr' ? 0.5 : 0.3,
		modes,
		async open(options) {
			requireMode(options.mode, modes, config.title);
			return openDetrDetector({ config, weights, path, classes }, options);
		},
	};
}

/** Holds the tensors of a checkpoint against all that its network asks for, the heads of every decoder layer included. */
export function auditTensors(config: DetrConfig, weights: Weights, place: string): TensorAudit {
	const audit = new TensorAudit(weights, place, `checkpoint of ${config.title}`);
	emitDetr(config, audit.lookup, [SMALL], { clustered: true, taps: true });
	return audit;
}

import { WHOLE_VIDEO } from '../domain/video.ts';
import type { Configuration } from './job.ts';

/** For tests only: the plainest way to analyse files. */
export const DENSE: Configuration = {
	label: 'dense',
	model: 'lookout',
	mode: 'dense',
	settings: {},
	range: WHOLE_VIDEO,
	provider: 'cpu',
	precision: null,
	threads: null,
	maxSide: null,
	scoreThreshold: null,
};

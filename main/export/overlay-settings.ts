import type { SettingsTable, ValuesOf } from '../domain/settings-table.ts';
import { IDENTITIES } from './identities.ts';

/** What is drawn on a picture; shared by clip and still. */
export const OVERLAY_SETTINGS = {
	boxes: { kind: 'boolean', default: true, description: 'Draws the boxes.' },
	labels: {
		kind: 'boolean',
		default: true,
		description: 'Writes class and score on every box.',
		shownWhen: { setting: 'boxes', is: true },
	},
	identities: { ...IDENTITIES, shownWhen: { setting: 'labels', is: true } },
	minScore: {
		kind: 'number',
		default: 0,
		min: 0,
		max: 1,
		step: 0.01,
		description: 'Detections with a lower score are not drawn; 0 takes what the model needs for each class.',
	},
	heat: {
		kind: 'choice',
		default: 'frame',
		options: {
			off: 'none',
			frame: 'the tokens recomputed in this frame',
			history: 'how often each token was recomputed so far',
			relevance: 'relevance to the scorer',
			attention: 'attention of the decoder',
			clusters: 'clusters of keys and values',
			blocks: 'share of the gates in which each token was updated',
		},
		description:
			'Colours the tokens over the picture; a run that has no such map shows the tokens of each frame.',
	},
	heatOpacity: {
		kind: 'number',
		default: 0.4,
		min: 0,
		max: 1,
		step: 0.05,
		description: 'How much of the picture the heat map hides.',
	},
	cameraPath: {
		kind: 'boolean',
		default: true,
		description: 'Shows where the camera has been, in a small map, where it is followed.',
	},
	zones: {
		kind: 'boolean',
		default: true,
		description: 'Draws zones and lines, where there are some, with what they have counted so far.',
	},
	strip: {
		kind: 'boolean',
		default: true,
		description: 'Shows cost and time of each frame under the picture.',
	},
	maxPaneWidth: {
		kind: 'integer',
		default: 7680,
		min: 64,
		max: 7680,
		unit: 'pixels',
		description:
			'Wider pictures are scaled down to this width, one picture of a side-by-side view at a time; a clip, also to the 16384 pixels a side that encoders take.',
	},
} as const satisfies SettingsTable;

export type OverlaySettings = ValuesOf<typeof OVERLAY_SETTINGS>;

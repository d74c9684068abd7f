export type TrackName =
	'cost' | 'time' | 'agreement' | 'truth' | 'estimate' | 'waiting' | 'objects' | 'identities';

/** A strip of the chart, in pixels from its top; values run upwards from `bottom`. */
export type Track = { name: TrackName; top: number; bottom: number };

/** Shares of the height. */
const WEIGHTS: Record<TrackName, number> = {
	cost: 3,
	time: 3,
	agreement: 2.5,
	truth: 4,
	estimate: 5,
	waiting: 2.5,
	objects: 2,
	identities: 4,
};
export const AXIS_HEIGHT = 20;
const GAP = 8;

/** Divides `height` among the tracks that have something to show, above the axis. */
export function layTracks(height: number, names: readonly TrackName[]): Track[] {
	const room = Math.max(0, height - AXIS_HEIGHT - GAP * names.length);
	const weight = names.reduce((sum, name) => sum + WEIGHTS[name], 0);
	let top = GAP;
	return names.map((name) => {
		const bottom = top + Math.round((room * WEIGHTS[name]) / weight);
		const track = { name, top, bottom };
		top = bottom + GAP;
		return track;
	});
}

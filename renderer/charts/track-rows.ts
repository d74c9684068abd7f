import type { RunTracks } from '../../main/tracking/run-tracks.ts';
import type { FrameWindow } from './frame-window.ts';

/** Greatest thickness of a line, in CSS pixels. */
const THICKEST = 8;

/** One line per identity, from the top of a strip downwards: the visible ones, ordered by first sighting. */
export type TrackRows = {
	/** Indices into the columns of `RunTracks`. */
	tracks: number[];
	/** Height of one line; below 1 if there are more lines than pixels. */
	height: number;
};

/** The lines of the tracks that overlap `window`, for a strip of `height` CSS pixels. */
export function layTrackRows(all: RunTracks, window: FrameWindow, height: number): TrackRows {
	const tracks: number[] = [];
	for (let i = 0; i < all.identities.length && all.firstFrames[i]! - 0.5 <= window.to; i++) {
		if (all.lastFrames[i]! + 0.5 >= window.from) tracks.push(i);
	}
	return { tracks, height: Math.min(THICKEST, height / Math.max(1, tracks.length)) };
}

/** The track whose line is `y` below the top of the strip; null if there is none. */
export function trackAt({ tracks, height }: TrackRows, y: number): number | null {
	return y < 0 ? null : (tracks[Math.floor(y / height)] ?? null);
}

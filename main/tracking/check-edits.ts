import { UserFacingError } from '../domain/errors.ts';
import { identityLabel } from '../domain/track-labels.ts';
import type { RunTracks } from './run-tracks.ts';
import { EditedIdentities, positionOf, type Part, type TrackEdit } from './track-edits.ts';

/** Stretches of frames that a sentence names at most. */
const MOST_NAMED = 5;

/** Frames in which an object was seen throughout, both ends included. */
type Span = readonly [first: number, last: number];

/**
 * Throws `edit-refused` for the first of these edits that does nothing to the tracks, or would put one object in two places.
 * `found` are the tracks without any edits, `frames` the indices of the frames that were analysed, ascending.
 */
export function checkEdits(found: RunTracks, frames: Int32Array, edits: readonly TrackEdit[]): void {
	const identities = new EditedIdentities();
	const trackOf = new Map(Array.from(found.identities, (identity, track) => [identity, track]));
	const spansOf = (identity: number): Span[] =>
		identities
			.partsOf(identity)
			.flatMap((part) => {
				const track = trackOf.get(part.found);
				return track === undefined ? [] : cut(spansOfTrack(found, track), frames, part);
			})
			.sort(([a], [b]) => a - b);
	for (const [i, edit] of edits.entries()) {
		const refusal = refusalOf(edit, spansOf);
		if (refusal !== null) {
			const which = edits.length > 1 ? `Edit ${i + 1}: ` : '';
			throw new UserFacingError('edit-refused', `${which}${refusal}`);
		}
		identities.apply(edit);
	}
}

function refusalOf(edit: TrackEdit, spansOf: (identity: number) => Span[]): string | null {
	const tracks = edit.kind === 'join' ? edit.tracks : [edit.track];
	const missing = tracks.find((track) => spansOf(track).length === 0);
	if (missing !== undefined) {
		return `a track that the run shows was expected (got ${identityLabel(missing)}, which is none, or was joined, split or hidden).`;
	}
	if (edit.kind === 'split') {
		const spans = spansOf(edit.track);
		const [first, last] = [spans[0]![0], Math.max(...spans.map(([, to]) => to))];
		if (edit.frame > first && edit.frame <= last) return null;
		return (
			`a frame after ${first} and up to ${last} was expected to split track ${identityLabel(edit.track)} at ` +
			`(got ${edit.frame}): it is seen from frame ${first} to ${last}, and both parts need a frame.`
		);
	}
	if (edit.kind !== 'join') return null;
	if (new Set(tracks).size < Math.max(2, tracks.length)) {
		return `two different tracks or more were expected (got ${tracks.map(identityLabel).join(', ')}).`;
	}
	for (const [i, one] of tracks.entries()) {
		for (const other of tracks.slice(0, i)) {
			const shared = common(spansOf(other), spansOf(one));
			if (shared.length === 0) continue;
			return (
				`tracks that are never seen in the same frame were expected (${identityLabel(other)} and ${identityLabel(one)} are both ` +
				`seen in ${framesText(shared)}); split one of them there first, or hide it.`
			);
		}
	}
	return null;
}

function spansOfTrack({ spanOffsets, spans }: RunTracks, track: number): Span[] {
	const of: Span[] = [];
	for (let s = spanOffsets[track]!; s < spanOffsets[track + 1]!; s++) {
		of.push([spans[2 * s]!, spans[2 * s + 1]!]);
	}
	return of;
}

/** What of them lies in a part, from one analysed frame to another. */
function cut(spans: readonly Span[], frames: Int32Array, { from, to }: Part): Span[] {
	const [begin, end] = [positionOf(frames, from), positionOf(frames, to) - 1];
	if (begin > end) return [];
	return spans.flatMap(([first, last]) => {
		const within: Span = [Math.max(first, frames[begin]!), Math.min(last, frames[end]!)];
		return within[0] <= within[1] ? [within] : [];
	});
}

/** Where both are; each in frame order. */
function common(a: readonly Span[], b: readonly Span[]): Span[] {
	const shared: Span[] = [];
	for (let i = 0, j = 0; i < a.length && j < b.length;) {
		const both: Span = [Math.max(a[i]![0], b[j]![0]), Math.min(a[i]![1], b[j]![1])];
		if (both[0] <= both[1]) shared.push(both);
		if (a[i]![1] < b[j]![1]) i++;
		else j++;
	}
	return shared;
}

function framesText(spans: readonly Span[]): string {
	const named = spans.slice(0, MOST_NAMED).map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`));
	const more = spans.length > MOST_NAMED ? ` and ${spans.length - MOST_NAMED} stretches more` : '';
	return `frame${spans.length === 1 && spans[0]![0] === spans[0]![1] ? '' : 's'} ${named.join(', ')}${more}`;
}

/**
 * Where every object of a run was in every frame that it was seen in: columns over sightings, ordered by track and then by
 * frame; those of track t are `offsets[t]` up to `offsets[t + 1]`.
 */
export type TrackPaths = {
	/** [tracks] Identities, as in `RunTracks`, after a person's changes. */
	identities: Int32Array;
	/** [tracks] */
	classIndices: Uint16Array;
	/** [tracks + 1] */
	offsets: Uint32Array;
	/** [sightings] Indices of decoded frames. */
	frameIndices: Int32Array;
	/** [sightings] The rising time line of the video. */
	timesSeconds: Float64Array;
	/** [sightings, 4] Left, top, right, bottom in displayed pixels of the video. */
	boxesXyxy: Float32Array;
	/** [sightings] 0 to 1. */
	scores: Float32Array;
};

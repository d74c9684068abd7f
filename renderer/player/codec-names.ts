/** Common names of codecs, by ffmpeg's names. */
const NAMES: Record<string, string> = {
	av1: 'AV1',
	ffv1: 'FFV1',
	h264: 'H.264',
	hevc: 'HEVC',
	mjpeg: 'Motion JPEG',
	mpeg1video: 'MPEG-1',
	mpeg2video: 'MPEG-2',
	mpeg4: 'MPEG-4 part 2',
	msmpeg4v2: 'Microsoft MPEG-4 v2',
	msmpeg4v3: 'Microsoft MPEG-4 v3',
	prores: 'ProRes',
	vp8: 'VP8',
	vp9: 'VP9',
	vvc: 'VVC',
};

/** The name of a codec on the page; ffmpeg's name if there is no other. */
export function codecName(codec: string): string {
	return NAMES[codec] ?? codec;
}

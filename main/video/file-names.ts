/** File extensions of videos; others can be opened from the command line. */
export const VIDEO_NAMES = new Set(
	'3gp asf avi flv h264 h265 hevc m2ts m2v m4v mkv mjpeg mjpg mov mp4 mpeg mpg mts mxf ogv ts vob webm wmv y4m'.split(
		' ',
	),
);

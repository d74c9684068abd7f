/** Where the camera looks, against where it looked in the first frame. */
export type CameraPath = {
	/** Of the middle of the picture, to the right and down, in pixels of the displayed video. */
	x: number;
	y: number;
	/** Magnification: 1.02 = zoomed in by 2 %. */
	scale: number;
	/** Radians by which the camera has turned clockwise: the picture turns the other way. */
	rotation: number;
};

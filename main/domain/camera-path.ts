/** Where the camera looks, against where it looked in the first frame. */
export type CameraPath = {
	/** Of the middle of the picture, to the right and down, in pixels of the displayed video. */
	x: number;
	y: number;
	/** Magnification: 1.02 = zoomed in by 2 %. */
	scale: number;
	/** Radians by which the camera has turned clockwise: the picture turns the other way. */
	rotation: number;
	/** Where the grid of tokens lies in the picture, to the right of and below its place at rest, in pixels of the displayed video. */
	gridX: number;
	gridY: number;
};

/** Of a run, by position in it; NaN where the camera was fixed. */
export type CameraColumns = Record<keyof CameraPath, Float32Array>;

/** The order of a path's numbers where they lie side by side. */
export const CAMERA_FIELDS = ['x', 'y', 'scale', 'rotation', 'gridX', 'gridY'] as const;

/** A value for each part of a path. */
export function eachCameraField<T>(
	of: (field: keyof CameraPath, i: number) => T,
): Record<keyof CameraPath, T> {
	return Object.fromEntries(CAMERA_FIELDS.map((field, i) => [field, of(field, i)])) as Record<
		keyof CameraPath,
		T
	>;
}

/** The path at `position`; null where the camera was fixed. */
export function cameraAt(columns: CameraColumns | null, position: number): CameraPath | null {
	if (!columns || !Number.isFinite(columns.x[position])) return null;
	return eachCameraField((field) => columns[field][position]!);
}

/** How the picture of the scene moves between two frames: its point p is at middle + turn · (p − middle) + (x, y) afterwards. */
export type PictureMotion = {
	/** `turn` as a complex number: its size is by how much the picture grows, its angle by how much it turns clockwise. */
	re: number;
	im: number;
	/** Pixels of the displayed video. */
	x: number;
	y: number;
};

export function pictureMotion(from: CameraPath, to: CameraPath): PictureMotion {
	const growth = to.scale / from.scale;
	const angle = from.rotation - to.rotation;
	const [backX, backY] = [from.x - to.x, from.y - to.y];
	const [cos, sin] = [to.scale * Math.cos(to.rotation), to.scale * Math.sin(to.rotation)];
	return {
		re: growth * Math.cos(angle),
		im: growth * Math.sin(angle),
		x: cos * backX + sin * backY,
		y: cos * backY - sin * backX,
	};
}

/** The stretches of frames in which the camera was followed, both ends included. */
export function followedSpans(columns: CameraColumns): { from: number; to: number }[] {
	const { length } = columns.x;
	const spans: { from: number; to: number }[] = [];
	for (let i = 0; i < length; i = Math.max(i, spans.at(-1)?.to ?? 0) + 1) {
		const span = followedAround(columns, i, length);
		if (span) spans.push(span);
	}
	return spans;
}

/** The stretch of frames around `position` in which the camera was followed, both ends included; null where it was fixed. */
export function followedAround(
	{ x }: CameraColumns,
	position: number,
	length: number,
): { from: number; to: number } | null {
	if (!Number.isFinite(x[position])) return null;
	let [from, to] = [position, position];
	while (from > 0 && Number.isFinite(x[from - 1])) from--;
	while (to + 1 < length && Number.isFinite(x[to + 1])) to++;
	return { from, to };
}

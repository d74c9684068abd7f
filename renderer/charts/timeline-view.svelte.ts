import { panned, wholeWindow, zoomed, type FrameWindow } from './frame-window.ts';

export const ZOOM_STEP = 1.4;

/** Which part of a video the charts show. */
export class TimelineView {
	/** Null: everything, also when the video grows. */
	#zoom: FrameWindow | null = $state.raw(null);
	readonly #frameCount: () => number;

	/** `frameCount` is reactive. */
	constructor(frameCount: () => number) {
		this.#frameCount = frameCount;
	}

	get window(): FrameWindow {
		return this.#zoom ?? wholeWindow(this.#frameCount());
	}

	get zoomedIn(): boolean {
		return this.#zoom !== null;
	}

	/** Zooms (in if `factor` is below 1), keeping the position `at` (0 = left edge, 1 = right). */
	zoomBy(factor: number, at = 0.5): void {
		const frameCount = this.#frameCount();
		const next = zoomed(this.window, Math.min(1, Math.max(0, at)), factor, frameCount);
		const whole = wholeWindow(frameCount);
		this.#zoom = next.to - next.from >= whole.to - whole.from ? null : next;
	}

	showAll(): void {
		this.#zoom = null;
	}

	/** Moves by a share of the visible part. */
	pan(share: number): void {
		const zoom = this.#zoom;
		if (zoom) this.#zoom = panned(zoom, share * (zoom.to - zoom.from), this.#frameCount());
	}

	/** Moves on by a page if `frame` is no longer visible. */
	keepInSight(frame: number): void {
		const zoom = this.#zoom;
		if (!zoom || (frame >= zoom.from && frame <= zoom.to)) return;
		this.#zoom = panned(zoom, frame - zoom.from, this.#frameCount());
	}

	/** Handles the wheel over a plot `width` pixels wide. */
	wheel(event: WheelEvent, width: number): void {
		event.preventDefault();
		if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
			this.pan((event.deltaX || event.deltaY) / width);
		} else {
			this.zoomBy(Math.exp(event.deltaY * 0.002), event.offsetX / width);
		}
	}

	/** Handles plus, minus and 0, around the position `at` (0 to 1). Returns whether the key was one of them. */
	key(key: string, at: number): boolean {
		if (key === '+' || key === '=') this.zoomBy(1 / ZOOM_STEP, at);
		else if (key === '-') this.zoomBy(ZOOM_STEP, at);
		else if (key === '0') this.showAll();
		else return false;
		return true;
	}
}

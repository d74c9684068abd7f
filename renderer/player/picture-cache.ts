/** A decoded frame for painting. Its owner must close it. */
export type Picture = { readonly index: number; readonly bitmap: ImageBitmap };

const MOST_PICTURES = 48;
const MOST_BYTES = 64 * 1024 * 1024;
const FEWEST_PICTURES = 4;

/** How many pictures of this size are kept: up to 64 MB or 48, but at least four. */
export function pictureCapacity({ width, height }: { width: number; height: number }): number {
	const fitting = Math.floor(MOST_BYTES / (4 * width * height));
	return Math.max(FEWEST_PICTURES, Math.min(MOST_PICTURES, fitting));
}

/**
 * Decoded pictures around the current frame. Owns and closes them: the farthest one is dropped first, and those behind
 * count as three times as far as those ahead.
 */
export class PictureCache {
	readonly capacity: number;
	readonly #pictures = new Map<number, Picture>();
	#focus = 0;
	#direction: -1 | 0 | 1 = 0;
	#pinned: number | null = null;

	constructor(capacity: number) {
		this.capacity = capacity;
	}

	get size(): number {
		return this.#pictures.size;
	}

	has(index: number): boolean {
		return this.#pictures.has(index);
	}

	get(index: number): Picture | null {
		return this.#pictures.get(index) ?? null;
	}

	/** Sets the current frame and the direction. */
	look(index: number, direction: -1 | 0 | 1): void {
		this.#focus = index;
		this.#direction = direction;
	}

	/** Protects the picture on screen from being closed. */
	pin(index: number | null): void {
		this.#pinned = index;
		this.#shrink();
	}

	put(picture: Picture): void {
		const before = this.#pictures.get(picture.index);
		if (before === picture) return;
		before?.bitmap.close();
		this.#pictures.set(picture.index, picture);
		this.#shrink();
	}

	clear(): void {
		for (const picture of this.#pictures.values()) picture.bitmap.close();
		this.#pictures.clear();
		this.#pinned = null;
	}

	#shrink(): void {
		while (this.#pictures.size > this.capacity) {
			let farthest: Picture | null = null;
			let most = -1;
			for (const picture of this.#pictures.values()) {
				if (picture.index === this.#pinned) continue;
				const distance = this.#distance(picture.index);
				if (distance > most) [farthest, most] = [picture, distance];
			}
			if (farthest === null) return;
			this.#pictures.delete(farthest.index);
			farthest.bitmap.close();
		}
	}

	#distance(index: number): number {
		const ahead = index - this.#focus;
		return ahead * this.#direction < 0 ? 3 * Math.abs(ahead) : Math.abs(ahead);
	}
}

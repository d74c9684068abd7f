import { createCanvas, GlobalFonts, type SKRSContext2D } from '@napi-rs/canvas';
import bold from '@fontsource/ibm-plex-sans/files/ibm-plex-sans-latin-600-normal.woff2?inline';
import regular from '@fontsource/ibm-plex-sans/files/ibm-plex-sans-latin-400-normal.woff2?inline';
import { RecentMap } from '../../domain/recent-map.ts';
import type { Mask } from './picture.ts';

/** IBM Plex Sans (OFL): all its digits have the same width. Missing glyphs come from the system's fonts. */
const FAMILY = 'Sparsight Plex';
const CACHED_TEXTS = 4096;

export type TextWeight = 400 | 600;

/** Renders text of one size to masks and caches them: most texts of a clip appear again and again. */
export class TextPainter {
	readonly sizePx: number;
	/** Height of every mask, in pixels; text is centred vertically. */
	readonly lineHeight: number;
	readonly #masks = new RecentMap<string, Mask>(CACHED_TEXTS);
	#scratch: SKRSContext2D;

	constructor(sizePx: number) {
		registerFonts();
		this.sizePx = sizePx;
		this.lineHeight = Math.ceil(sizePx * 1.4);
		this.#scratch = createCanvas(16 * sizePx, this.lineHeight).getContext('2d');
	}

	/** The mask of `text` on one line, shortened with an ellipsis if it is wider than `maxWidth` pixels. */
	mask(text: string, weight: TextWeight = 400, maxWidth = Number.POSITIVE_INFINITY): Mask {
		const key = `${weight} ${maxWidth} ${text}`;
		const known = this.#masks.get(key);
		if (known) return known;
		const mask = this.#draw(text, weight, maxWidth);
		this.#masks.set(key, mask);
		return mask;
	}

	/** Width of `text` in pixels. */
	width(text: string, weight: TextWeight = 400): number {
		return this.mask(text, weight).width;
	}

	#draw(text: string, weight: TextWeight, maxWidth: number): Mask {
		const font = `${weight} ${this.sizePx}px "${FAMILY}", sans-serif`;
		this.#scratch.font = font;
		const measure = (part: string) => Math.ceil(this.#scratch.measureText(part).width);
		const shown = fitted(text, maxWidth, measure);
		const width = Math.max(1, Math.min(measure(shown), Math.max(1, Math.floor(maxWidth))));
		const height = this.lineHeight;
		if (width > this.#scratch.canvas.width) this.#scratch = createCanvas(2 * width, height).getContext('2d');
		const pen = this.#scratch;
		pen.clearRect(0, 0, width, height);
		pen.font = font;
		pen.fillStyle = '#ffffff';
		pen.textBaseline = 'alphabetic';
		// Digits are centred in the line: cap height is 0.70 of the size.
		pen.fillText(shown, 0, Math.round(height / 2 + 0.35 * this.sizePx));
		const { data } = pen.getImageData(0, 0, width, height);
		const coverage = new Uint8Array(width * height);
		for (let i = 0; i < coverage.length; i++) coverage[i] = data[4 * i + 3]!;
		return { width, height, coverage };
	}
}

function fitted(text: string, maxWidth: number, measure: (text: string) => number): string {
	if (measure(text) <= maxWidth) return text;
	const letters = [...text];
	let fits = 0;
	let tooMany = letters.length;
	while (tooMany - fits > 1) {
		const middle = (fits + tooMany) >> 1;
		if (measure(`${letters.slice(0, middle).join('')}…`) <= maxWidth) fits = middle;
		else tooMany = middle;
	}
	return `${letters.slice(0, fits).join('').trimEnd()}…`;
}

let registered = false;

function registerFonts(): void {
	if (registered) return;
	for (const data of [regular, bold]) {
		GlobalFonts.register(Buffer.from(data.slice(data.indexOf(',') + 1), 'base64'), FAMILY);
	}
	registered = true;
}

/**
 * Colours that keep their meaning everywhere: in exported pictures, in the report, on the page.
 * All are `#rrggbb`.
 */

/** The colour-blind-safe set of Okabe and Ito (2008), without black, which is lost on footage. */
export const OKABE_ITO = {
	orange: '#e69f00',
	skyBlue: '#56b4e9',
	bluishGreen: '#009e73',
	yellow: '#f0e442',
	blue: '#0072b2',
	vermillion: '#d55e00',
	reddishPurple: '#cc79a7',
} as const;

/** Light colours of Tol's schemes (personal.sron.nl/~pault) that lie far from those above, for everything that is not traffic. */
const OTHER_COLOURS = {
	pear: '#bbcc33',
	pink: '#ffaabb',
	paleGrey: '#dddddd',
	olive: '#999933',
	wine: '#aa4466',
	lavender: '#aa99ee',
} as const;

const CLASS_COLOURS = Object.values(OTHER_COLOURS);

/** The outline of a frame that was computed whole: no class has it. */
export const FULL_FRAME_COLOUR = '#ffffff';

/** The classes that most often appear together get colours of their own. */
const SETTLED_CLASSES: Record<string, string> = {
	person: OKABE_ITO.orange,
	bicycle: OKABE_ITO.skyBlue,
	car: OKABE_ITO.bluishGreen,
	motorcycle: OKABE_ITO.yellow,
	bus: OKABE_ITO.blue,
	truck: OKABE_ITO.vermillion,
	train: OKABE_ITO.reddishPurple,
	bird: OTHER_COLOURS.pear,
	cat: OTHER_COLOURS.lavender,
	dog: OTHER_COLOURS.pink,
	horse: OTHER_COLOURS.olive,
	sheep: OTHER_COLOURS.paleGrey,
	cow: OTHER_COLOURS.wine,
};

/** The colour of a class, by its name alone: the same for every run, model and view. */
export function classColour(className: string): string {
	if (Object.hasOwn(SETTLED_CLASSES, className)) return SETTLED_CLASSES[className]!;
	let hash = 0x811c9dc5; // FNV-1a, 32 bit
	for (let i = 0; i < className.length; i++) {
		hash = Math.imul(hash ^ className.charCodeAt(i), 0x01000193) >>> 0;
	}
	return CLASS_COLOURS[hash % CLASS_COLOURS.length]!;
}

export type Rgb = readonly [red: number, green: number, blue: number];

/** `#rrggbb` as three numbers, 0 to 255. */
export function rgbOf(colour: string): Rgb {
	const value = Number.parseInt(colour.slice(1), 16);
	return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** Black or white, whichever has more contrast on `colour` (contrast of WCAG 2.2, relative luminance). */
export function inkOn(colour: string): '#000000' | '#ffffff' {
	const [r, g, b] = rgbOf(colour).map((v) => {
		const s = v / 255;
		return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
	}) as [number, number, number];
	const luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
	// Contrast with black is (L + 0.05) / 0.05, with white 1.05 / (L + 0.05).
	return (luminance + 0.05) ** 2 > 1.05 * 0.05 ? '#000000' : '#ffffff';
}

/**
 * Cividis (Nuñez, Anderton and Renslow 2018, doi 10.1371/journal.pone.0199239) at 33 equal steps; between them the map
 * is linear to within 6 of 255.
 */
const CIVIDIS_STEPS = (
	'00224e 00285b 002e6a 053371 1a386f 273e6e 32436d 3b496c 434e6c 4b546c 535a6d 5a5f6e 61656f 686a71 6f7073 ' +
	'767676 7d7c78 838179 8b8778 928d78 9a9376 a29975 aaa073 b3a670 bbad6d c3b369 ccba64 d4c15f ddc858 e6d051 ' +
	'efd748 f8df3c fee838'
).split(' ');

/** 256 colours of cividis, three bytes each: dark blue for 0 to light yellow for 255. */
export const CIVIDIS: Readonly<Uint8Array> = interpolate(CIVIDIS_STEPS.map((step) => rgbOf(`#${step}`)));

function interpolate(steps: Rgb[]): Uint8Array {
	const table = new Uint8Array(256 * 3);
	for (let i = 0; i < 256; i++) {
		const at = (i / 255) * (steps.length - 1);
		const left = Math.min(Math.floor(at), steps.length - 2);
		for (let channel = 0; channel < 3; channel++) {
			const a = steps[left]![channel]!;
			const b = steps[left + 1]![channel]!;
			table[3 * i + channel] = Math.round(a + (b - a) * (at - left));
		}
	}
	return table;
}

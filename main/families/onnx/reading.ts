import type { CardInput, CardOutput, OnnxCard } from './card.ts';
import { classesFor, type NamedClasses } from './class-names.ts';
import { type Colours, type Evidence, plainColours } from './evidence.ts';

/**
 * How sure a recognition is. `certain`: the file leaves no doubt. `likely`: nearly always so; a look at a frame tells. `ask`: several
 * readings fit, and a person has to choose.
 */
export type Degree = 'certain' | 'likely' | 'ask';

/** One way to read a file: a complete card, and why it may be the right one. */
export type Reading = { card: OnnxCard; reason: string };

export type Recognition = {
	degree: Degree;
	/** The best one first; those behind it are what else it might be. */
	readings: readonly Reading[];
	/** What a person should know whichever reading is right. */
	remarks: readonly string[];
};

/** What a rule has found out, before names and sizes are filled in. */
export type Draft = {
	title: string;
	reason: string;
	resize: CardInput['resize'];
	range?: CardInput['range'];
	colour?: CardInput['colour'];
	/** Of pixels in `range`; as they are unless told otherwise. */
	colours?: Colours;
	extras?: CardInput['extras'];
	output: CardOutput;
	suppression: OnnxCard['suppression'];
	most?: number;
	/** Labels that the network scores; null = it does not say how many. */
	labels: number | null;
	background?: 'none' | 'first' | 'last' | 'maybe-last';
	/** Names where the network has its own, such as `face`. */
	names?: readonly string[];
	displayScore: number;
	notes?: readonly string[];
	size?: { width: number; height: number; source: string };
};

/** Grey around pictures of YOLO. */
export const YOLO_LETTERBOX: CardInput['resize'] = { kind: 'letterbox', pad: 114, align: 'centre' };
export const STRETCH: CardInput['resize'] = { kind: 'stretch' };
const MOST = 300;

/** A complete reading, and why the names that the file brings do not fit, if they don't. */
export function complete(draft: Draft, evidence: Evidence): Reading & Pick<NamedClasses, 'mismatch'> {
	const { picture, names } = evidence;
	const own = draft.names && { names: draft.names, source: `usual for ${draft.title}` };
	const { classes, source, mismatch } = classesFor(own ?? names, draft.labels, draft.background ?? 'none');
	const colours = draft.colours ?? plainColours(`usual for ${draft.title}`);
	const size = draft.size ?? picture;
	const card: OnnxCard = {
		format: 'sparsight.onnx-card',
		version: 1,
		sha256: null,
		title: draft.title,
		input: {
			name: picture.name,
			layout: picture.layout,
			width: size.width,
			height: size.height,
			resize: draft.resize,
			range: draft.range ?? (picture.type === 'uint8' ? 255 : 1),
			mean: colours.mean,
			std: colours.std,
			colour: draft.colour ?? 'rgb',
			type: picture.type,
			extras: draft.extras ?? {},
		},
		output: draft.output,
		suppression: draft.suppression,
		most: draft.most ?? MOST,
		classes,
		displayScore: draft.displayScore,
		notes: [...(draft.notes ?? [])],
		sources: {
			size: size.source,
			resize: `usual for ${draft.title}`,
			colours: colours.source,
			output: draft.reason,
			classes: source,
		},
	};
	return { card, reason: draft.reason, mismatch };
}

/** A recognition out of drafts, the best one first; less sure where a size is guessed or names do not fit. */
export function recognition(degree: Degree, drafts: readonly Draft[], evidence: Evidence): Recognition {
	const completed = drafts.map((draft) => complete(draft, evidence));
	const first = completed[0]!;
	const license = evidence.file.metadata.get('license');
	const guesses = evidence.picture.isGuess && !drafts[0]!.size;
	const { width, height } = first.card.input;
	const remarks = [
		...(first.mismatch === null
			? []
			: [`${first.mismatch}: they go by the names of ${first.card.sources['classes']}`]),
		...(guesses
			? [`the file leaves the size of its input open, and ${width}×${height} is only the usual one`]
			: []),
		...first.card.notes,
		...(license ? [`licence of the weights: ${license}`] : []),
	];
	const unsure = guesses || first.mismatch !== null;
	return {
		degree: degree === 'certain' && unsure ? 'likely' : degree,
		readings: completed.map(({ card, reason }) => ({ card, reason })),
		remarks,
	};
}

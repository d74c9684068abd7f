// Which classes of two models, or of a model and ground truth, are the same thing under other names. Only synonyms: a kind of
// a thing ("SUV", "woman") stays a class of its own, since a model that tells kinds apart does not call them by the whole.

/**
 * Other names by the name that COCO has (Lin et al., ECCV 2014): of PASCAL VOC, ImageNet VID, MOTChallenge, VisDrone,
 * BDD100K, Open Images and Objects365, as `plainClassName` writes them.
 */
// prettier-ignore
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
	'person': ['pedestrian', 'people', 'human'],
	'bicycle': ['bike', 'pedal cycle'],
	'car': ['automobile'],
	'motorcycle': ['motorbike', 'motor'],
	'airplane': ['aeroplane', 'plane'],
	'boat': ['watercraft'],
	'truck': ['lorry'],
	'traffic light': ['trafficlight'],
	'fire hydrant': ['hydrant'],
	'bird': ['wild bird'],
	'cat': ['domestic cat'],
	'cow': ['cattle'],
	'backpack': ['rucksack'],
	'handbag': ['handbag satchel'],
	'tie': ['necktie'],
	'frisbee': ['flying disc'],
	'skis': ['ski'],
	'tennis racket': ['tennis racquet'],
	'wine glass': ['wineglass'],
	'bowl': ['bowl basin'],
	'orange': ['orange tangerine'],
	'hot dog': ['hotdog'],
	'donut': ['doughnut'],
	'couch': ['sofa'],
	'potted plant': ['pottedplant', 'houseplant'],
	'dining table': ['diningtable', 'dinning table', 'kitchen and dining room table'],
	'tv': ['tvmonitor', 'tv monitor', 'monitor tv', 'moniter tv', 'television'],
	'mouse': ['computer mouse'],
	'remote': ['remote control'],
	'keyboard': ['computer keyboard'],
	'cell phone': ['cellphone', 'mobile phone', 'smartphone'],
	'microwave': ['microwave oven'],
	'refrigerator': ['fridge'],
	'teddy bear': ['teddybear'],
	'hair drier': ['hair dryer', 'hairdryer'],
};

const CANONICAL: ReadonlyMap<string, string> = new Map(
	Object.entries(SYNONYMS).flatMap(([name, others]) => others.map((other) => [other, name] as const)),
);

/** The one name of what a class is, whatever a model or a data set calls it: "motorbike" and "Motorcycle" are "motorcycle". */
export function canonicalClass(name: string): string {
	const plain = plainClassName(name);
	return CANONICAL.get(plain) ?? plain;
}

/** Lower case, words parted by one space. */
function plainClassName(name: string): string {
	return name
		.toLowerCase()
		.replaceAll('&', ' and ')
		.replaceAll(/[\s_/-]+/g, ' ')
		.trim();
}

/** What two lists of classes have in common. */
export type SharedClasses = {
	/** Canonical names, in the order of the first list; the numbers below are places in it. */
	names: readonly string[];
	/** By class of the first list, its number; −1 where the second list has no such class. */
	first: Int32Array;
	/** By class of the second list. */
	second: Int32Array;
	/** Classes without a counterpart, as each list calls them. */
	leftOut: { first: readonly string[]; second: readonly string[] };
};

/**
 * The classes that both lists have, by their canonical names. Equal lists share all of theirs one by one, so that a model
 * that tells two synonyms apart is compared with itself as it is.
 */
export function sharedClasses(first: readonly string[], second: readonly string[]): SharedClasses {
	const isSame = first.length === second.length && first.every((name, i) => name === second[i]);
	if (isSame) {
		const all = Int32Array.from(first.keys());
		return { names: first, first: all, second: all, leftOut: { first: [], second: [] } };
	}
	const [own, other] = [first.map(canonicalClass), second.map(canonicalClass)];
	const names = [...new Set(own)].filter((name) => other.includes(name));
	const numbers = (list: readonly string[]) => Int32Array.from(list, (name) => names.indexOf(name));
	const without = (list: readonly string[], canonical: readonly string[]) =>
		list.filter((_, i) => !names.includes(canonical[i]!));
	return {
		names,
		first: numbers(own),
		second: numbers(other),
		leftOut: { first: without(first, own), second: without(second, other) },
	};
}

/** By class of `from`, its place in `to`; −1 where `to` has no such class. The same name goes before a synonym. */
export function classPlaces(from: readonly string[], to: readonly string[]): number[] {
	const canonical = to.map(canonicalClass);
	const plain = to.map(plainClassName);
	return from.map((name) => {
		const same = plain.indexOf(plainClassName(name));
		return same >= 0 ? same : canonical.indexOf(canonicalClass(name));
	});
}

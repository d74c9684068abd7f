import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { Size } from '../../domain/video.ts';
import {
	COUNTED,
	IGNORED,
	TruthBuilder,
	truthUnreadable,
	type GroundTruth,
	type TruthFormat,
	type TruthObjects,
} from './ground-truth.ts';

const EXPECTED = 'a Pascal VOC file (XML with annotation, object and bndbox)';

/**
 * Pascal VOC annotations (The PASCAL Visual Object Classes Challenge, Everingham et al. 2010): one file per image, so
 * all XML files of the folder belong to the truth, whichever of them is given. The last number in a file's name is its
 * frame index, from 0 (`street_000012.xml` is frame 12). `difficult` marks an ignored object. Boxes are taken as
 * written: the challenge counts pixels from 1, but most tools that write its files do not.
 */
export const voc: TruthFormat = {
	id: 'voc',
	title: 'Pascal VOC annotations',
	expects: EXPECTED,
	recognises: (text) => /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)?<annotation[\s>]/.test(text),
	parse(_text, path): GroundTruth {
		const classes = new Map<string, number>();
		const frames = new Map<number, TruthObjects>();
		const sizes: (Size | null)[] = [];
		for (const place of filesBeside(path)) {
			const text = readFileSync(place, 'utf8').replace(/^\uFEFF/, '');
			if (!voc.recognises(text, place)) throw truthUnreadable(place, EXPECTED, 'other text');
			const frame = frameOf(place);
			if (frames.has(frame))
				throw truthUnreadable(place, 'a different number for each image', `${frame} twice`);
			frames.set(frame, readObjects(text, place, classes));
			sizes.push(readSize(text));
		}
		const [first = null] = sizes;
		const isCommon = sizes.every((size) => size?.width === first?.width && size?.height === first?.height);
		return {
			path,
			format: 'voc',
			classNames: [...classes.keys()],
			frames: new Map([...frames].sort(([a], [b]) => a - b)),
			pictureSize: isCommon ? first : null,
		};
	},
};

/** Links are not followed, except for the given file: they may lead to places that a host may not read. */
function filesBeside(path: string): string[] {
	const folder = dirname(path);
	const named = basename(path);
	const names = readdirSync(folder, { withFileTypes: true })
		.filter((entry) => entry.isFile() && extname(entry.name).toLowerCase() === '.xml')
		.map(({ name }) => name);
	return [...new Set([...names, named])].sort().map((name) => join(folder, name));
}

function frameOf(place: string): number {
	const number = /(\d+)(?!.*\d)/.exec(basename(place, extname(place)))?.[1];
	if (number === undefined)
		throw truthUnreadable(place, 'a name with the number of the frame', 'a name without');
	return Number(number);
}

function readObjects(text: string, place: string, classes: Map<string, number>): TruthObjects {
	const builder = new TruthBuilder();
	for (const [i, object] of elements(text, 'object').entries()) {
		// The parts of a person (head, hands) are boxes of their own inside the object.
		const own = object.replace(/<part>[\s\S]*?<\/part>/g, '');
		const name = element(own, 'name');
		if (!name) throw truthUnreadable(`${place}: object ${i + 1}`, 'a name', 'none');
		const box = element(own, 'bndbox') ?? '';
		const [left, top, right, bottom] = ['xmin', 'ymin', 'xmax', 'ymax'].map((side) => {
			const written = element(box, side) ?? '';
			const value = Number(written);
			if (written === '' || !Number.isFinite(value)) {
				throw truthUnreadable(`${place}: object ${i + 1}`, `a number as ${side}`, `"${written}"`);
			}
			return value;
		}) as [number, number, number, number];
		if (right < left || bottom < top) {
			throw truthUnreadable(
				`${place}: object ${i + 1}`,
				'a box whose right and bottom lie behind left and top',
				`${left}, ${top}, ${right}, ${bottom}`,
			);
		}
		const classIndex = classes.get(name) ?? classes.size;
		classes.set(name, classIndex);
		const role = element(own, 'difficult') === '1' ? IGNORED : COUNTED;
		builder.add(classIndex, left, top, right - left, bottom - top, role);
	}
	return builder.build();
}

function readSize(text: string): Size | null {
	const size = element(text, 'size') ?? '';
	const [width, height] = [Number(element(size, 'width')), Number(element(size, 'height'))];
	return width > 0 && height > 0 ? { width, height } : null;
}

/** The contents of every element `name`; these files never nest an element in one of the same name. */
function elements(text: string, name: string): string[] {
	return [...text.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, 'g'))].map(
		([, inner]) => inner!.trim(),
	);
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function element(text: string, name: string): string | null {
	const [inner] = elements(text, name);
	return inner?.replace(/&(lt|gt|amp|quot|apos);/g, (_, entity: string) => ENTITIES[entity]!) ?? null;
}

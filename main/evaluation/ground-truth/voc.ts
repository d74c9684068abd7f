import { readdirSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { Size } from '../../domain/video.ts';
import type { TruthRemark } from '../../domain/truth-coverage.ts';
import { frameNumbers } from './frame-names.ts';
import {
	COUNTED,
	IGNORED,
	TruthBuilder,
	truthUnreadable,
	type GroundTruth,
	type TruthFormat,
	type TruthObjects,
} from './ground-truth.ts';
import { readText } from './text.ts';
import { child, parseXml, textOf, type XmlElement } from './xml.ts';

const EXPECTED = 'a Pascal VOC file (XML with annotation, object and bndbox)';
const SIDES = ['xmin', 'ymin', 'xmax', 'ymax'] as const;

/**
 * Pascal VOC annotations (The PASCAL Visual Object Classes Challenge, Everingham et al. 2010): one file per image, so
 * all of them in the folder belong to the truth, whichever is given; other XML files are counted and left out. The
 * numbers in the files' names are frame indices, from 0 (`street_000012.xml` is frame 12), if all names follow one
 * pattern. `difficult` marks an ignored object. Boxes are taken as written: the challenge counts pixels from 1, but most
 * tools that write its files do not.
 */
export const voc: TruthFormat = {
	id: 'voc',
	title: 'Pascal VOC annotations',
	expects: EXPECTED,
	// Comments and a DOCTYPE, with its declarations, may stand before the first element.
	recognises: (text) =>
		/^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*|<!DOCTYPE[^>[]*(?:\[[^\]]*\]\s*)?>\s*)*<annotation[\s/>]/.test(
			text,
		),
	parse(_text, path, { firstFrame = 0 }): GroundTruth {
		const { annotations, remarks } = readFolder(path);
		const numbers = frameNumbers(annotations.map(({ place }) => place));
		if (!numbers) {
			throw truthUnreadable(
				path,
				`a name with the number of the frame, such as frame_000012.xml, by one pattern for all ${annotations.length} annotations of the folder`,
				annotations.slice(0, 3).map(({ place }) => basename(place)).join(', '), // prettier-ignore
			);
		}
		const classes = new Map<string, number>();
		const frames = new Map<number, TruthObjects>();
		for (const [i, { root, place }] of annotations.entries()) {
			const frame = numbers[i]! - firstFrame;
			if (frame < 0) throw truthUnreadable(place, `a frame number from ${firstFrame} on`, `${numbers[i]}`);
			frames.set(frame, readObjects(root, place, classes));
		}
		const sizes = annotations.map(({ root }) => readSize(root));
		const [first = null] = sizes;
		const isCommon = sizes.every((size) => size?.width === first?.width && size?.height === first?.height);
		return {
			path,
			format: 'voc',
			form: 'Pascal VOC',
			remarks,
			classNames: [...classes.keys()],
			frames: new Map([...frames].sort(([a], [b]) => a - b)),
			pictureSize: isCommon ? first : null,
		};
	},
};

type Annotation = { place: string; root: XmlElement };

/** Links are not followed, except for the given file: they may lead to places that a host may not read. */
function readFolder(path: string): { annotations: Annotation[]; remarks: TruthRemark[] } {
	const folder = dirname(path);
	const named = basename(path);
	const names = readdirSync(folder, { withFileTypes: true })
		.filter((entry) => entry.isFile() && extname(entry.name).toLowerCase() === '.xml')
		.map(({ name }) => name);
	const annotations: Annotation[] = [];
	const others: string[] = [];
	for (const name of [...new Set([...names, named])].sort()) {
		const place = join(folder, name);
		const text = readText(place);
		if (voc.recognises(text, place)) annotations.push({ place, root: readXml(text, place) });
		else others.push(name);
	}
	const remarks: TruthRemark[] =
		others.length > 0 ? [{ kind: 'other-files', count: others.length, example: others[0]! }] : [];
	return { annotations, remarks };
}

function readXml(text: string, place: string): XmlElement {
	try {
		return parseXml(text);
	} catch (error) {
		throw truthUnreadable(place, EXPECTED, error instanceof Error ? error.message : String(error));
	}
}

function readObjects(root: XmlElement, place: string, classes: Map<string, number>): TruthObjects {
	const builder = new TruthBuilder();
	const objects = root.children.filter(({ name }) => name === 'object');
	for (const [i, object] of objects.entries()) {
		const where = `${place}: object ${i + 1}`;
		// Children only: parts of a person (head, hands) and attributes have names and boxes of their own.
		const name = textOf(object, 'name');
		if (!name) throw truthUnreadable(where, 'a name', 'none');
		const box = child(object, 'bndbox');
		const [left, top, right, bottom] = SIDES.map((side) => {
			const written = textOf(box, side);
			const value = Number(written);
			if (written === '' || !Number.isFinite(value)) {
				throw truthUnreadable(where, `a number as ${side}`, `"${written}"`);
			}
			return value;
		}) as [number, number, number, number];
		if (right < left || bottom < top) {
			throw truthUnreadable(
				where,
				'a box whose right and bottom lie behind left and top',
				`${left}, ${top}, ${right}, ${bottom}`,
			);
		}
		const classIndex = classes.get(name) ?? classes.size;
		classes.set(name, classIndex);
		const role = textOf(object, 'difficult') === '1' ? IGNORED : COUNTED;
		builder.add(classIndex, left, top, right - left, bottom - top, role);
	}
	return builder.build();
}

function readSize(root: XmlElement): Size | null {
	const size = child(root, 'size');
	const [width, height] = [Number(textOf(size, 'width')), Number(textOf(size, 'height'))];
	return width > 0 && height > 0 ? { width, height } : null;
}

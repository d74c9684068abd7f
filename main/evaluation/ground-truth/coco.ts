import { z } from 'zod';
import { frameNumbers } from './frame-names.ts';
import {
	COUNTED,
	CROWD,
	IGNORED,
	TruthBuilder,
	truthUnreadable,
	type GroundTruth,
	type TruthFormat,
	type TruthObjects,
} from './ground-truth.ts';

const image = z.object({
	id: z.int(),
	file_name: z.string().optional(),
	frame_index: z.int().nonnegative().optional(),
	width: z.number().positive().optional(),
	height: z.number().positive().optional(),
});
const box = z.tuple([z.number(), z.number(), z.number().nonnegative(), z.number().nonnegative()]);
const annotation = z.object({
	image_id: z.int(),
	category_id: z.int(),
	bbox: box,
	iscrowd: z.union([z.literal(0), z.literal(1), z.boolean()]).optional(),
	ignore: z.union([z.literal(0), z.literal(1), z.boolean()]).optional(),
});
const dataset = z.object({
	images: z.array(image),
	annotations: z.array(annotation),
	categories: z.array(z.object({ id: z.int(), name: z.string() })),
});
type Image = z.infer<typeof image>;

/**
 * COCO detection annotations. The frame index of an image, from 0, is the first of these that all images have, each
 * with another value: `frame_index`; the last number in `file_name` (`street_000012.jpg` is frame 12); `id`. `iscrowd`
 * marks a crowd, `ignore` an ignored object.
 */
export const coco: TruthFormat = {
	id: 'coco',
	title: 'COCO annotations',
	expects: 'a COCO file (JSON with images, annotations and categories)',
	recognises: (text) => /^\s*\{/.test(text),
	parse(text, path, { firstFrame = 0 }): GroundTruth {
		const { images, annotations, categories } = readDataset(text, path);
		const classOf = new Map(categories.map((category, i) => [category.id, i]));
		const builders = new Map(images.map(({ id }) => [id, new TruthBuilder()]));
		for (const [i, { image_id, category_id, bbox, iscrowd, ignore }] of annotations.entries()) {
			const place = `${path}: annotations[${i}]`;
			const builder = builders.get(image_id);
			if (!builder) throw truthUnreadable(`${place}.image_id`, 'the id of an image', `${image_id}`);
			const classIndex = classOf.get(category_id);
			if (classIndex === undefined) {
				throw truthUnreadable(`${place}.category_id`, 'the id of a category', `${category_id}`);
			}
			builder.add(classIndex, ...bbox, iscrowd ? CROWD : ignore ? IGNORED : COUNTED);
		}
		const { numbers, byId } = frameNumbersOf(images, path);
		const early = numbers.find((number) => number < firstFrame);
		if (early !== undefined) throw truthUnreadable(path, `frame numbers from ${firstFrame} on`, `${early}`);
		const frames = new Map<number, TruthObjects>(
			images.map(({ id }, i) => [numbers[i]! - firstFrame, builders.get(id)!.build()]),
		);
		return {
			path,
			format: 'coco',
			form: 'COCO',
			remarks: byId ? [{ kind: 'numbered-by-id' }] : [],
			classNames: categories.map(({ name }) => name),
			frames,
			pictureSize: commonSize(images),
		};
	},
};

function readDataset(text: string, path: string): z.infer<typeof dataset> {
	let raw: unknown;
	try {
		raw = JSON.parse(text);
	} catch (error) {
		throw truthUnreadable(path, 'JSON', error instanceof Error ? error.message : String(error));
	}
	const parsed = dataset.safeParse(raw);
	if (parsed.success) return parsed.data;
	const { path: place, message } = parsed.error.issues[0]!;
	throw truthUnreadable(`${path}: ${place.join('.') || 'the file'}`, 'a COCO field', message);
}

/** `byId`: whether neither `frame_index` nor the names gave a number to each image. */
function frameNumbersOf(images: readonly Image[], path: string): { numbers: number[]; byId: boolean } {
	const given = images.flatMap(({ frame_index }) => frame_index ?? []);
	if (given.length === images.length && new Set(given).size === images.length) {
		return { numbers: given, byId: false };
	}
	const names = images.flatMap(({ file_name }) => file_name ?? []);
	const named = names.length === images.length ? frameNumbers(names) : null;
	if (named) return { numbers: named, byId: false };
	const ids = images.map(({ id }) => id);
	if (new Set(ids).size === ids.length) return { numbers: ids, byId: true };
	throw truthUnreadable(path, 'a different id for each image', 'an id twice');
}

function commonSize(images: readonly Image[]): { width: number; height: number } | null {
	const { width, height } = images[0] ?? {};
	if (width === undefined || height === undefined) return null;
	return images.every((image) => image.width === width && image.height === height) ? { width, height } : null;
}

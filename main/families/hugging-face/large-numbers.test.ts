import { describe, expect, it } from 'vitest';
import { UserFacingError } from '../../domain/errors.ts';
import { MODEL_FAMILIES, openSource } from '../index.ts';
import { type FolderFiles, folderOfCase } from './case.fixture.ts';

const CASES = [
	'conditional-detr',
	'deformable-detr',
	'deformable-detr-two-stage',
	'detr-variant',
	'lw-detr',
	'rf-detr',
	'vitdet',
	'yolos-mid',
];
type Place = (string | number)[];

/** Where numbers stand in a configuration. */
function numbersIn(value: unknown, place: Place = []): Place[] {
	if (typeof value === 'number') return [place];
	if (typeof value !== 'object' || value === null) return [];
	return Object.entries(value).flatMap(([key, part]) => numbersIn(part, [...place, key]));
}

function replace(config: FolderFiles['config'], place: Place, number: number): void {
	let within = config;
	for (const key of place.slice(0, -1)) within = within[key] as Record<string, unknown>;
	within[place.at(-1)!] = number;
}

// Most of them say how many layers there are, or how large: no plan of so many may be laid out before that is seen.
it.each([
	['yolos', 'num_hidden_layers', 1e6, 'num_hidden_layers is not as YOLOS needs it', 256],
	['yolos', 'num_detection_tokens', 1e9, 'num_detection_tokens is not as YOLOS needs it', 8192],
	[
		'rf-detr',
		'backbone_config.num_windows',
		1e6,
		'backbone_config.num_windows is not as RF-DETR needs it',
		32,
	],
])('%s with %s = %d is refused in one sentence', async (name, field, number, what, most) => {
	const source = folderOfCase(name, ({ config }) => replace(config, field.split('.'), number));
	await expect(openSource(await source, MODEL_FAMILIES)).rejects.toThrow(
		`config.json: ${what} (Too big: expected number to be <=${most}, got ${number}).`,
	);
});

describe.each(CASES)('a folder of %s with one large number in its config.json', (name) => {
	it.each([64, 1e6, 1e9, 1e300])('%d opens where nothing reads it, or is refused', async (number) => {
		const places: Place[] = [];
		await folderOfCase(name, ({ config }) => places.push(...numbersIn(config)));
		for (const place of places) {
			const source = folderOfCase(name, ({ config }) => replace(config, place, number));
			const refused = await openSource(await source, MODEL_FAMILIES).then(
				() => null,
				(error: unknown) => error,
			);
			if (refused) expect(refused, place.join('.')).toBeInstanceOf(UserFacingError);
		}
	});
});

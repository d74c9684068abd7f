import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseLookoutShConfig } from './lookout-sh/index.ts';
import { parseLookoutConfig } from './lookout/config.ts';
import { displayThresholdsOf, parseModelConfig } from './model-config.ts';

const MODELS = join(import.meta.dirname, '../../models');

async function modelJson(id: string) {
	const place = join(MODELS, id, 'model.json');
	return { place, json: JSON.parse(await readFile(place, 'utf8')) as object };
}

describe('the scores that classes are displayed from', () => {
	it.each<[string, Record<string, number>, number[]]>([
		['none was measured', {}, [0.3, 0.3]],
		['all were', { person: 0.33, bird: 0.52 }, [0.33, 0.52]],
		['some were', { bird: 0.52 }, [0.3, 0.52]],
		['one is 0', { bird: 0 }, [0.3, 0]],
	])('where %s', (_, display_scores, expected) => {
		const config = { classes: ['person', 'bird'], nms: { score: 0.3 }, display_scores };
		expect(displayThresholdsOf(config)).toEqual(expected);
	});

	it.each([
		['lookout', parseLookoutConfig],
		['lookout-sh', parseLookoutShConfig],
	])('were measured for every class of %s, none below its one score', async (id, parse) => {
		const config = parse(await modelJson(id));
		expect(Object.keys(config.display_scores)).toEqual(config.classes);
		expect(Math.min(...displayThresholdsOf(config))).toBeGreaterThanOrEqual(config.nms.score);
	});

	it.each([
		['lookout', parseLookoutConfig],
		['lookout-sh', parseLookoutShConfig],
	])('are checked in %s', async (id, parse) => {
		const { place, json } = await modelJson(id);
		expect(() => parse({ place, json: { ...json, display_scores: { person: 33 } } })).toThrow(
			/model\.json: display_scores\.person is not as Lookout/,
		);
	});
});

it('a value of any length is told in a sentence that can be read', () => {
	const schema = z.strictObject({ sha256: z.string().length(64) });
	const json = { sha256: 'x'.repeat(100_000) };
	const parse = () => parseModelConfig(schema, { place: 'card.json', json }, 'a card');
	expect(parse).toThrow(/^card\.json: sha256 is not as a card needs it .{1,1400} … x+"\)\.$/);
});

import { expect, it } from 'vitest';
import { modelKey } from './run.ts';
import { denseReference, referenceFor, speedUpOver, type Comparable } from './dense-reference.ts';

const run = (text: string): Comparable & { text: string } => {
	const [mode, model, precision = 'float32'] = text.split(/[@~]/) as [string, string, 'int8'?];
	return mode === 'sliced'
		? { mode: 'tiles', model, settings: { policy: 'all' }, precision, text }
		: { mode, model, settings: {}, precision, text };
};
const pick = (shown: string[], kept: string[] = []) =>
	denseReference(shown.map(run), (it) => it, kept.map(run))?.text ?? null;

it.each([
	['the dense run', ['cache@a', 'dense@a'], [], 'dense@a'],
	['one that is kept, where none is shown', ['cache@a'], ['sparse@a', 'dense@a'], 'dense@a'],
	['that of the reduced model, before a dense rival', ['dense@b', 'cache@a', 'dense@a'], [], 'dense@a'],
	['a kept one of the reduced model, before a shown rival', ['dense@b', 'cache@a'], ['dense@a'], 'dense@a'],
	['no rival’s, where the reduced model has none', ['cache@a', 'dense@b'], ['dense@c'], null],
	[
		'that of the second reduced model, where the first has none',
		['cache@a', 'motion@b', 'dense@b'],
		[],
		'dense@b',
	],
	['the first, where all are dense', ['dense@b', 'dense@a'], [], 'dense@b'],
	['the exact dense run, before one in int8', ['dense@a~int8', 'cache@a~int8'], ['dense@a'], 'dense@a'],
	['the dense run in int8, where there is no other', ['cache@a', 'dense@a~int8'], [], 'dense@a~int8'],
	['plain slicing, for tiles', ['dense@a', 'tiles@a'], ['sliced@a'], 'sliced@a'],
	['plain slicing of the same model, for tiles', ['tiles@a', 'sliced@b', 'dense@a'], [], 'dense@a'],
	['the dense run, where nothing was sliced', ['dense@a', 'tiles@a'], [], 'dense@a'],
	['the dense run, where no tiles are reused', ['dense@a', 'cache@a', 'sliced@a'], [], 'dense@a'],
	['the dense run, where nothing is reused', ['sliced@a', 'dense@a'], [], 'dense@a'],
	['none, where no run is there', [], ['dense@a'], null],
])('is %s', (_, shown, kept, expected) => {
	expect(pick(shown, kept)).toBe(expected);
});

it.each([
	["its own model's dense run", 'motion@b', ['dense@a', 'motion@b', 'dense@b'], [], 'dense@b'],
	['a kept one of its model', 'motion@b', ['dense@a', 'motion@b'], ['dense@b'], 'dense@b'],
	["nothing, not another model's", 'motion@b', ['dense@a', 'motion@b'], [], null],
	['plain slicing, for tiles', 'tiles@a', ['dense@a', 'sliced@a', 'tiles@a'], [], 'sliced@a'],
	[
		'dense, for what is beside tiles',
		'cache@a',
		['dense@a', 'sliced@a', 'tiles@a', 'cache@a'],
		[],
		'dense@a',
	],
	['the common reference, for a dense rival', 'dense@b', ['dense@a', 'cache@a', 'dense@b'], [], 'dense@a'],
	['itself, for the common reference', 'dense@a', ['dense@a', 'cache@a', 'dense@b'], [], 'dense@a'],
])('a run is measured against %s', (_, one, shown, kept, expected) => {
	expect(referenceFor(run(one), shown.map(run), (it) => it, kept.map(run))?.text ?? null).toBe(expected);
});

it.each([
	['how many times as fast', { run: 10, total: 20 }, { run: 2, total: 5 }, { run: 5, total: 4 }],
	['nothing without a reference', null, { run: 2, total: 5 }, null],
	['nothing without a frame', { run: 10, total: 20 }, { run: 0, total: 0 }, null],
])('speed-up is %s', (_, reference, own, expected) => {
	expect(speedUpOver(reference, own)).toEqual(expected);
});

it.each<[string, boolean, object | undefined, object | undefined]>([
	['weights of our own', true, undefined, undefined],
	[
		'a foreign file under one card',
		true,
		{ input: { colour: 'rgb', range: 1 } },
		{ input: { range: 1, colour: 'rgb' } },
	],
	['a foreign file under two cards', false, { input: { colour: 'rgb' } }, { input: { colour: 'bgr' } }],
	['a foreign file, and a run from before cards', false, { most: 300 }, undefined],
])('of %s: one model is %s', (_, isOne, first, second) => {
	const keyOf = (reading: object | undefined) =>
		modelKey({ sha256: 'a', ...(reading && { reading: { ...reading } }) });
	expect(keyOf(first) === keyOf(second)).toBe(isOne);
});

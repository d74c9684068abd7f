import { expect, it } from 'vitest';
import type { PageRow } from './measure.ts';
import { regressionsOf } from './regressions.ts';

const row = (mode: string, reached: number) =>
	({ model: 'a', mode, provider: 'cpu', precision: 'float32', reached }) as PageRow;

it.each([
	['the same', [row('x', 4)], []],
	['faster', [row('x', 9)], []],
	['slower within the tolerance', [row('x', 3.61)], []],
	['slower beyond it', [row('x', 3.59)], ['a | x | cpu | float32: was 4.00×, and is 3.59×.']],
	['not measured', [row('y', 4)], ['a | x | cpu | float32: was 4.00×, and was not measured.']],
])('a ratio that is %s', (_, rows, sentences) => {
	expect(regressionsOf(rows, [row('x', 4)], 0.1)).toEqual(sentences);
});

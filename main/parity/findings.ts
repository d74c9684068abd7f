import { caseTensor, type ParityCase, type Tolerance } from './parity-case.ts';

/** How one output of ours compares with the reference's. */
export type Finding = {
	output: string;
	/** `close` within a tolerance; `equal` exactly, as indices and counts must be. */
	rule: 'close' | 'equal';
	elements: number;
	/** Largest |a − b|, and largest |a − b| / |b| where b is not 0; NaN where the sizes differ. */
	largestAbsolute: number;
	largestRelative: number;
	passed: boolean;
	/** What is wrong, or worth knowing. */
	remark?: string;
};

/** Gathers the findings of one case. What a case states and nobody compared fails: nothing is passed over in silence. */
export class Findings {
	readonly #case: ParityCase;
	readonly #list: Finding[] = [];
	readonly #seen = new Set<string>();

	constructor(given: ParityCase) {
		this.#case = given;
	}

	/** Tensors of the case that are inputs, or that another comparison covers. */
	input(...names: string[]): void {
		for (const name of names) this.#seen.add(name);
	}

	/** Compares with the case's tensor `name`, within its tolerance unless told otherwise. */
	close(name: string, actual: ArrayLike<number>, tolerance: Tolerance = this.#case.tolerance): void {
		this.#seen.add(name);
		this.closeTo(name, actual, caseTensor(this.#case, name).data, tolerance);
	}

	/** Compares numbers that case.json or a closed form states. */
	closeTo(
		output: string,
		actual: ArrayLike<number>,
		expected: ArrayLike<number>,
		tolerance: Tolerance = this.#case.tolerance,
	): void {
		this.#list.push(compare(output, 'close', actual, expected, tolerance));
	}

	/** As `close`, every number equal. */
	equal(name: string, actual: ArrayLike<number>): void {
		this.#seen.add(name);
		this.equalTo(name, actual, caseTensor(this.#case, name).data);
	}

	equalTo(output: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
		this.#list.push(compare(output, 'equal', actual, expected, { abs: 0, rel: 0 }));
	}

	/** As `equal`, in any order. */
	sameSet(name: string, actual: ArrayLike<number>): void {
		this.#seen.add(name);
		const sorted = (numbers: ArrayLike<number>) => Float64Array.from(numbers).sort();
		this.equalTo(name, sorted(actual), sorted(caseTensor(this.#case, name).data));
	}

	/** All findings; a tensor of the case that was neither an input nor compared is one that failed. */
	finish(): Finding[] {
		const forgotten = [...this.#case.tensors.keys()].filter((name) => !this.#seen.has(name));
		return [
			...this.#list,
			...forgotten.map((output) => ({
				output,
				rule: 'close' as const,
				elements: 0,
				largestAbsolute: NaN,
				largestRelative: NaN,
				passed: false,
				remark: 'not compared',
			})),
		];
	}
}

function compare(
	output: string,
	rule: Finding['rule'],
	actual: ArrayLike<number>,
	expected: ArrayLike<number>,
	{ abs, rel }: Tolerance,
): Finding {
	if (actual.length !== expected.length) {
		const remark = `expected ${expected.length} numbers (got ${actual.length})`;
		const unknown = { largestAbsolute: NaN, largestRelative: NaN };
		return { output, rule, elements: expected.length, ...unknown, passed: false, remark };
	}
	let [largestAbsolute, largestRelative, passed] = [0, 0, true];
	for (let i = 0; i < expected.length; i++) {
		const [a, b] = [actual[i]!, expected[i]!];
		if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue; // equal infinities included
		const difference = Math.abs(a - b);
		if (!(difference <= abs + rel * Math.abs(b))) passed = false;
		largestAbsolute = larger(largestAbsolute, difference);
		if (b !== 0) largestRelative = larger(largestRelative, difference / Math.abs(b));
	}
	return { output, rule, elements: expected.length, largestAbsolute, largestRelative, passed };
}

/** As Math.max, but a NaN stays. */
function larger(a: number, b: number): number {
	return Number.isNaN(a) || a >= b ? a : b;
}

import type { Machine } from '../machine.ts';
import type { PythonResult } from '../python.ts';
import type { PageRow } from './measure.ts';
import type { PartsTable } from './parts.ts';

/** Everything that was measured in one sitting. */
export type Page = {
	machine: Machine;
	threads: number;
	rows: readonly PageRow[];
	parts: readonly PartsTable[];
	/** Dense Lookout in other programs, and here in the same sitting; null where it was not measured. */
	others: { pytorch: PythonResult; onnxruntime: PythonResult; oursMs: number } | null;
};

const times = (factor: number) => `${factor.toFixed(factor < 10 ? 2 : 1)}×`;
const ms = (value: number | null) => (value === null ? '–' : value.toFixed(value < 10 ? 2 : 0));

/** The page as Markdown. */
export function markdownOf({ machine, threads, rows, parts, others }: Page): string {
	const { processor, cores, node, platform } = machine;
	return [
		'# What a frame costs',
		'',
		`${processor}, ${cores} cores, ${threads} threads, Node.js ${node}, ${platform}. Milliseconds of stages are medians, those of later frames means; ratios are to dense in float32 on the same provider, of runs in turn. Reached over ideal says how much of what the operations promise is there.`,
		'',
		...table(
			[
				'model',
				'mode',
				'provider',
				'precision',
				'first frame ms',
				'later frames ms',
				'prepare',
				'select',
				'run',
				'interpret',
				'GMAC',
				'ideal',
				'reached',
				'of ideal',
				'agreement F1',
				'peak MiB',
			],
			rows.map((row) => [
				row.model,
				row.mode,
				row.provider,
				row.precision,
				ms(row.firstMs),
				ms(row.laterMs),
				...(['prepare', 'select', 'run', 'interpret'] as const).map((stage) =>
					ms(row.stagesMs?.[stage] ?? null),
				),
				row.gmac.toFixed(2),
				times(row.ideal),
				times(row.reached),
				`${((100 * row.reached) / row.ideal).toFixed(0)} %`,
				row.agreement?.toFixed(3) ?? '–',
				row.peakMemoryMib?.toFixed(0) ?? '–',
			]),
		),
		'',
		'## What is left between reached and ideal',
		'',
		...parts.flatMap(partsOf),
		...(others ? elsewhere(others) : []),
	].join('\n');
}

function elsewhere({ pytorch, onnxruntime, oursMs }: NonNullable<Page['others']>): string[] {
	return [
		'## Dense Lookout at 768×576 elsewhere',
		'',
		`Here: ${ms(oursMs)} ms.`,
		'',
		`PyTorch: ${other(pytorch, oursMs)}`,
		'',
		`Python’s onnxruntime, with the same graph: ${other(onnxruntime, oursMs)}`,
		'',
	];
}

function partsOf({ model, ideal, reached, parts }: PartsTable): string[] {
	const lost = (one: (typeof parts)[number]) => one.tenth - one.ideal;
	return [
		`${model}, 10 % of the tokens: ${times(reached)} of ${times(ideal)}.`,
		'',
		...table(
			['part', 'dense ms', '10 % ms', 'ideal ms', 'lost ms'],
			[...parts]
				.sort((a, b) => lost(b) - lost(a))
				.map((one) => [
					one.part,
					one.dense.toFixed(1),
					one.tenth.toFixed(2),
					one.ideal.toFixed(2),
					lost(one).toFixed(2),
				]),
		),
		'',
	];
}

function other(result: PythonResult, oursMs: number): string {
	if ('skipped' in result) return `not measured: ${result.skipped}.`;
	return `${ms(result.msPerFrame)} ms (${result.version}), ${times(result.msPerFrame / oursMs)} as long as here.`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
	const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
	return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

const ROW = 22;
const LEFT = 190;
const WIDE = 520;

/** Reached ratios as bars, their ideals as marks, a group for each model. */
export function chartOf({ rows, machine, threads }: Page): string {
	const most = Math.max(...rows.flatMap(({ ideal, reached }) => [ideal, reached]));
	const x = (ratio: number) => (LEFT + (WIDE * ratio) / most).toFixed(1);
	const lines: string[] = [];
	let y = 56;
	let model = '';
	for (const row of rows) {
		if (row.model !== model) {
			model = row.model;
			y += 12;
			lines.push(`<text x="12" y="${y + 14}" class="model">${escaped(model)}</text>`);
			y += ROW;
		}
		const middle = y + ROW / 2;
		lines.push(
			`<text x="${LEFT - 8}" y="${middle + 4}" class="lane">${escaped(`${row.mode}, ${row.precision}`)}</text>`,
			`<rect x="${LEFT}" y="${y + 4}" width="${(Number(x(row.reached)) - LEFT).toFixed(1)}" height="${ROW - 8}" class="${row.precision}"/>`,
			`<path d="M${x(row.ideal)} ${y + 2}v${ROW - 4}" class="ideal"/>`,
			`<text x="${(Math.max(Number(x(row.reached)), Number(x(row.ideal))) + 6).toFixed(1)}" y="${middle + 4}">${times(row.reached)}</text>`,
		);
		y += ROW;
	}
	const height = y + 16;
	const width = LEFT + WIDE + 72;
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12">
<style>.model{font-weight:600}.lane{text-anchor:end}.float32{fill:#4b7bb5}.int8{fill:#d08a3c}.ideal{stroke:#222;stroke-width:2}text{fill:#222}</style>
<rect width="100%" height="100%" fill="#fff"/>
<text x="12" y="22" font-size="15" font-weight="600">How many times as fast as dense in float32</text>
<text x="12" y="42">Bars: reached (blue float32, orange int8). Marks: what the operations promise. ${escaped(machine.processor)}, ${threads} threads.</text>
${lines.join('\n')}
</svg>
`;
}

function escaped(text: string): string {
	return text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
}

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Attention, type Execution, ON_CPU } from '../main/domain/execution.ts';
import { yolosPlan } from '../main/families/yolos/plan.ts';
import { attentionTasks, firstWrong, otherTasks } from '../main/runtime/known-answers.ts';
import { createRuntime, supportedProviders } from '../main/runtime/onnx-runtime.ts';
import { proveFlat, proveParity, proveTraps } from './device-proof.ts';
import { describeMachine } from './machine.ts';
import {
	benchTransformer,
	cached,
	DENSE,
	describeTransformer,
	type TransformerRow,
	TRANSFORMERS,
	transformerAlone,
	YOLOS_SMALL,
} from './transformers.ts';

// What an execution provider computes and how fast, in a process of its own: some drivers take the process with them.
//   node bench-device.js --provider webgpu --parts answers,parity,traps,flat,speed --out folder
//   node bench-device.js --table folder

/** Beyond float32's rounding, which adds up over layers and frames. */
const MOST_DIFFERENCE = 1e-4;
/** Of what a process may grow by over thousands of runs. */
const MOST_GROWTH_MIB = 32;
const LANES = [DENSE, cached(0.1), cached(0.05)];

const [small, base] = TRANSFORMERS as [(typeof TRANSFORMERS)[number], (typeof TRANSFORMERS)[number]];
/** From small to large. */
const SIZES = [
	{
		title: 'YOLOS-tiny at 512×864 (1,728 patches)',
		plan: yolosPlan({ ...YOLOS_SMALL, dim: 192, heads: 3, hidden: 768 }, YOLOS_SMALL.tableSize, 91),
	},
	small,
	base,
];

type Report = {
	provider: string;
	attention: Attention;
	machine: unknown;
	/** Statements that must hold, and whether they do. */
	proven: Record<string, boolean>;
	figures: Record<string, number>;
	speeds: Record<string, TransformerRow[]>;
};

const { values } = parseArgs({
	options: {
		provider: { type: 'string', default: 'webgpu' },
		attention: { type: 'string' },
		parts: { type: 'string', default: 'answers,parity,traps,flat,speed' },
		frames: { type: 'string', default: '200' },
		runs: { type: 'string', default: '5000' },
		rounds: { type: 'string', default: '3' },
		threads: { type: 'string', default: '2' },
		out: { type: 'string' },
		table: { type: 'string' },
	},
});

if (values.table === undefined) await proveAndMeasure(values.provider);
else print(await table(values.table));

async function proveAndMeasure(provider: string): Promise<void> {
	if (!supportedProviders().includes(provider)) {
		print(`skipped: this runtime knows no ${provider}, but ${supportedProviders().join(', ')}`);
		return;
	}
	const parts = new Set(values.parts.split(','));
	const execution = await executionFor(provider, values.attention).catch((error: unknown) => {
		const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
		print(`${provider} does not work here: ${String(reason).split('\n', 1)[0]}`);
		process.exitCode = 1;
	});
	if (!execution) return;
	const { attention } = execution;
	const report: Report = {
		provider,
		attention,
		machine: describeMachine(),
		proven: {},
		figures: {},
		speeds: {},
	};
	const { proven, figures, speeds } = report;
	const say = (what: string, holds: boolean, figure?: number) => {
		proven[what] = holds;
		if (figure !== undefined) figures[what] = figure;
		print(`${holds ? 'holds' : 'FAILS'}: ${what}${figure === undefined ? '' : ` (${figure})`}`);
		return store(report);
	};
	print(`${provider}, attention ${attention}`);
	if (parts.has('answers')) {
		const wrong = await firstWrong(otherTasks(), createRuntime(1, { execution }), createRuntime(1));
		await say(wrong === null ? 'known answers' : `known answers, but for ${wrong}`, wrong === null);
	}
	if (parts.has('parity')) {
		for (const lane of ['dense', 'token-cache', 'sparse'] as const) {
			const { worst, leftToCpu } = await proveParity(execution, { frames: Number(values.frames), lane });
			await say(`${lane} as on the processor, largest difference`, worst <= MOST_DIFFERENCE, worst);
			await say(`${lane} with every node on the device`, leftToCpu.length === 0);
		}
	}
	if (parts.has('traps')) {
		for (const [trap, holds] of Object.entries(await proveTraps(execution))) await say(trap, holds);
	}
	if (parts.has('flat')) {
		const { grownMib } = await proveFlat(execution, Number(values.runs));
		await say(`memory flat over ${values.runs} runs, MiB`, grownMib <= MOST_GROWTH_MIB, grownMib);
	}
	if (parts.has('speed')) {
		const options = { threads: Number(values.threads), rounds: Number(values.rounds), execution };
		for (const { title, plan } of SIZES) {
			print(title);
			speeds[title] = await benchTransformer(transformerAlone(plan), LANES, options);
			for (const row of speeds[title]) print(`  ${describeTransformer(row)}`);
			await store(report);
		}
	}
	if (Object.values(proven).includes(false)) process.exitCode = 1;
}

/** After every part: what takes too long is killed. */
async function store(report: Report): Promise<void> {
	if (values.out === undefined) return;
	await mkdir(values.out, { recursive: true });
	await writeFile(join(values.out, `${report.provider}.json`), `${JSON.stringify(report, null, '\t')}\n`);
}

function print(line: string): void {
	process.stdout.write(`${line}\n`);
}

/** With attention as asked, or else spelled out where the provider's own is wrong. */
async function executionFor(provider: string, asked: string | undefined): Promise<Execution> {
	const fused = { ...ON_CPU, provider };
	if (asked !== undefined) return { ...fused, attention: asked === 'plain' ? 'plain' : 'fused' };
	const wrong = await firstWrong(attentionTasks(), createRuntime(1, { execution: fused }), createRuntime(1));
	return wrong === null ? fused : { ...fused, attention: 'plain' };
}

/** What several providers left in a folder, as Markdown. */
async function table(folder: string): Promise<string> {
	const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
	const reports = await Promise.all(
		names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as Report),
	);
	const lines = [
		'| transformer | mode | provider | attention | GMAC | ms | against its dense |',
		'|---|---|---|---|---|---|---|',
	];
	for (const { title } of SIZES) {
		for (const { provider, attention, speeds } of reports) {
			for (const { label, gmac, runMs, speedup } of speeds[title] ?? []) {
				const cells = [
					title,
					label,
					provider,
					attention,
					gmac.toFixed(2),
					runMs.toFixed(1),
					`${speedup.toFixed(2)}×`,
				];
				lines.push(`| ${cells.join(' | ')} |`);
			}
		}
	}
	return lines.join('\n');
}

import { parseArgs } from 'node:util';

/** The clip that is measured on, and the folder of results. */
type Usual = { video: string; out: string };

const EVERY_PART =
	'run,batch,quality,tiles,pipeline,pytorch,memory,opening,onnx,detr,sparse-detr,shvit,transformers,windowed-detectors,eventful,moving-camera,counting,counts,tracks,moving-tracks,redaction';
/** What `scripts/bench.mjs` does itself. */
const IN_A_BROWSER = 'page';
const OPTIONS = {
	help: { type: 'boolean', default: false },
	only: { type: 'string' },
	page: { type: 'string' },
	models: { type: 'string' },
	against: { type: 'string' },
	tolerance: { type: 'string', default: '0.15' },
	threads: { type: 'string', default: '2' },
	rounds: { type: 'string', default: '3' },
	video: { type: 'string' },
	model: { type: 'string' },
	truth: { type: 'string' },
	run: { type: 'string' },
	frames: { type: 'string', default: '800' },
	out: { type: 'string' },
} as const;
const USAGE = `npm run bench -- [--only part,part] [${Object.keys(OPTIONS)
	.filter((name) => !['help', 'only'].includes(name))
	.map((name) => `--${name} …`)
	.join('] [')}]
parts: ${EVERY_PART.replaceAll(',', ', ')}, ${IN_A_BROWSER}`;

/** Null where help is asked for. Throws sentences. */
function read(usual: Usual) {
	const values = { ...usual, ...parseArgs({ options: OPTIONS }).values };
	if (values.help) return null;
	const parts = (values.only ?? EVERY_PART).split(',');
	const unknown = parts.find((part) => ![...EVERY_PART.split(','), IN_A_BROWSER].includes(part));
	if (unknown !== undefined) throw new Error(`--only: one of the parts was expected (got "${unknown}").`);
	for (const name of ['threads', 'rounds', 'frames', 'tolerance'] as const) {
		if (!(Number(values[name]) > 0))
			throw new Error(`--${name}: a number above 0 was expected (got "${values[name]}").`);
	}
	return { values, parts };
}

/** What the command line asks for, and `usual` where it says nothing; ends the process where it asks for help, or for what there is not. */
export function wishesOrEnd(usual: Usual): NonNullable<ReturnType<typeof read>> {
	try {
		const known = read(usual);
		if (known) return known;
		process.stdout.write(`${USAGE}\n`);
		process.exit(0);
	} catch (error) {
		process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
		process.exit(2);
	}
}

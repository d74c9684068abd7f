// npm run bench: the engine's measurements, then (part `page`) the page's in a browser. `--only page,run` picks parts.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runnerImport } from 'vite';
import { ensureBuild, ensureFfmpeg, ensurePackages, root, run } from './prepare.mjs';

ensurePackages();
ensureFfmpeg();
ensureBuild();

const words = process.argv.slice(2);
const { values } = parseArgs({
	args: words,
	strict: false, // the others are the engine's
	options: {
		only: { type: 'string' },
		out: { type: 'string' },
		page: { type: 'string' },
		help: { type: 'boolean' },
	},
});
const { only, out = join(root, 'bench-output') } = /** @type {{ only?: string; out?: string }} */ (values);
// --page <folder>, the table of all models, and --help are the engine's alone.
const parts = values.page === undefined && !values.help ? only?.split(',') : ['engine'];
let status = 0;
if (parts === undefined || parts.some((part) => part !== 'page')) {
	// As in the workers that Sparsight starts; see main/process/worker-process.ts.
	const flags = 'transfer' in ArrayBuffer.prototype ? [] : ['--harmony-rab-gsab-transfer'];
	status = run(process.execPath, [...flags, join(root, 'out', 'main', 'bench.js'), ...words]);
}
if (status === 0 && (parts === undefined || parts.includes('page'))) {
	const { module } = await runnerImport(join(root, 'e2e', 'page-bench.ts'), { configFile: false });
	console.log('\nthe page, in a browser');
	const result = await module.benchPage(console.error);
	const lines = 'skipped' in result ? [`skipped: ${result.skipped}`] : module.describePageBench(result);
	for (const line of lines) console.log(line);
	mkdirSync(out, { recursive: true });
	writeFileSync(join(out, 'page.json'), `${JSON.stringify(result, null, '\t')}\n`);
}
process.exit(status);

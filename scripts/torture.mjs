// npm run torture: kills, faults, mutated files, a long run; what they show goes into docs/trust.md. `npm run torture -- --help`
// lists what can be asked for.
import { join } from 'node:path';
import { ensureBuild, ensureFfmpeg, ensurePackages, root, run } from './prepare.mjs';

ensurePackages();
ensureFfmpeg();
ensureBuild();

// As in the workers that Sparsight starts; see main/process/worker-process.ts.
const flags = 'transfer' in ArrayBuffer.prototype ? [] : ['--harmony-rab-gsab-transfer'];
process.exit(
	run(process.execPath, [...flags, join(root, 'out', 'main', 'torture.js'), ...process.argv.slice(2)]),
);

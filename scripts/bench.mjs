import { join } from 'node:path';
import { ensureBuild, ensureFfmpeg, ensurePackages, root, run } from './prepare.mjs';

ensurePackages();
ensureFfmpeg();
ensureBuild();
process.exit(run(process.execPath, [join(root, 'out', 'main', 'bench.js'), ...process.argv.slice(2)]));

// npm run serve: the application for a browser on this machine. Words after `--` go to the web host.
import { ensureBuild, ensureFfmpeg, ensurePackages, runWebHost } from './prepare.mjs';

ensurePackages();
ensureFfmpeg();
ensureBuild();
process.exit(await runWebHost(process.argv.slice(2)));

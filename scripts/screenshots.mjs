// npm run screenshots: takes screenshots of the main views of the built application, into assets/screenshots/.
import { join } from 'node:path';
import { runnerImport } from 'vite';
import { ensureBuild, ensureFfmpeg, ensurePackages, root } from './prepare.mjs';

ensurePackages();
ensureFfmpeg();
ensureBuild();
const { module } = await runnerImport(join(root, 'e2e', 'screenshots.ts'), { configFile: false });
await module.takeScreenshots(join(root, 'assets', 'screenshots'));

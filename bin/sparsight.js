#!/usr/bin/env node
import { existsSync } from 'node:fs';

const build = new URL('../out/main/cli.js', import.meta.url);

if (existsSync(build)) {
	const { runCli } = await import(build.href);
	process.exitCode = await runCli(process.argv.slice(2));
} else {
	console.error('sparsight is not built yet: run "npm run build" first.');
	process.exitCode = 1;
}

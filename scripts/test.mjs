// npm test: installs what is missing, builds if the build is stale, runs every test. Words after `--` go to vitest. The
// last line says how many tests passed, failed and were skipped.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuild, ensureFfmpeg, ensurePackages, root, runPackage } from './prepare.mjs';

ensurePackages();
// Not before: a fresh clone has no packages yet.
const { runnerImport } = await import('vite');
const { module } = await runnerImport(join(root, 'e2e', 'launch.ts'), { configFile: false });
if (module.findChromium() === null) {
	console.error(
		'No Chromium was found: the journeys in a browser will be skipped. To have them, install one ("sudo apt install chromium",\n' +
			'"brew install chromium"), or name one with SPARSIGHT_CHROMIUM; Chrome and Edge do as well.',
	);
}
ensureFfmpeg();
ensureBuild();

const report = join(root, 'out', 'test-results.json');
rmSync(report, { force: true });
const words = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const status = runPackage('vitest', [...words, ...process.argv.slice(2)]);

const { passed, failed, skipped } = count();
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(status === 0 && failed > 0 ? 1 : status);

function count() {
	// Without a report nothing ran, which is a failure.
	if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
	/** @type {import('vitest/node').JsonTestResults} */
	const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
		readFileSync(report, 'utf8'),
	);
	// A file that could not be loaded fails without having tests.
	const brokenFiles = testResults.filter(
		({ status, assertionResults }) =>
			status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
	).length;
	return {
		passed: numPassedTests,
		failed: numFailedTests + brokenFiles,
		skipped: numPendingTests + numTodoTests,
	};
}

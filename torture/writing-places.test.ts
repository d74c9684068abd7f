import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { installationFolder } from '../main/process/installation.ts';
import { SMALL_DISKS } from './small-disk.ts';
import { WRITERS } from './writers/index.ts';

/** What writes files: by its module, the writers or the small disk by which `npm run torture` lets it fail. */
const TRIED: Readonly<Record<string, string | readonly string[]>> = {
	'application/batches.ts': "The page's batch, begun and done",
	'application/frame-times.ts': 'Times of frames (a cache)',
	'application/models.ts': 'What models there are (a cache)',
	'application/playback-proxy.ts': 'A playable copy (a cache) on a disk that is full',
	'application/preferences-store.ts': 'Preferences',
	'application/probe-cache.ts': 'What a file says about itself (a cache)',
	'application/projects.ts': 'A project',
	'application/recent-files.ts': ['The list of recent projects', 'The list of recent videos'],
	'application/run-store.ts': 'A run that the page starts',
	'application/video-notes.ts': "Zones of a video where those before can't be read",
	'application/zones.ts': 'A template of zones',
	'batch/attempt-folder.ts': 'A batch: a job taken over and done, and the table',
	'batch/batch-folder.ts': "The page's batch, added to",
	'batch/claims.ts': 'A batch: a job taken over and done, and the table',
	'batch/table.ts': 'A batch: a job taken over and done, and the table',
	'cli/compare.ts': 'sparsight compare',
	'cli/count.ts': 'sparsight count --events',
	'cli/tracks.ts': 'sparsight tracks --edits',
	'desktop/log.ts': "The desktop's log",
	'desktop/window-state.ts': "The desktop's window",
	'execution/remembered-checks.ts': 'Checks of execution providers',
	'execution/speeds.ts': 'Measured speeds of models',
	'export/annotated-video.ts': 'Export video to a disk that is full',
	'export/arrow.ts': 'Export arrow',
	'export/clips.ts': 'Export clips to a disk that is full',
	'export/coco.ts': 'Export coco',
	'export/csv.ts': 'Export csv',
	'export/events.ts': 'Export events-csv',
	'export/json-lines.ts': 'Export jsonl',
	'export/mot.ts': 'Export mot',
	'export/objects.ts': 'Export objects',
	'export/presence.ts': 'Export presence',
	'export/redacted-video.ts': 'Export redacted to a disk that is full',
	'export/report-pdf.ts': 'Export report-pdf',
	'export/report.ts': 'Export report',
	'export/still.ts': 'Export still',
	'export/yolo.ts': 'Export yolo',
	'families/onnx/card.ts': 'The card of an ONNX file',
	'models/disk.ts': 'A model that is downloaded',
	'models/download.ts': 'A model that is downloaded',
	'models/install.ts': "A model of one's own that is installed",
	'models/receipt.ts': 'A model that is downloaded',
	'models/remove.ts': 'A model that is removed',
	'models/staging.ts': 'A model that is downloaded',
	'results/copy-run.ts': 'A batch: a job taken over and done, and the table',
	'results/run-folder.ts': 'A run that is recorded',
	'results/run-writer.ts': 'A run that is gone on with',
	'runtime/tensor-store.ts': 'Tensors of graphs (a cache)',
	'video/write-video.ts': 'Export video to a disk that is full',
	'weights/file-hashes.ts': 'Hashes of files (a cache)',
};

/** What need not be tried by itself, and why. */
const NOT_TRIED: Readonly<Record<string, string>> = {
	'process/json-file.ts': 'writes for others',
	'process/make-folder.ts': 'writes for others',
	'process/sealed-file.ts': 'writes for others',
	'export/partial-file.ts': 'writes for others',
	'cli/sweep.ts': 'writes texts and a report beside its runs, as compare and exports do',
	'desktop/index.ts': 'makes a folder for what Chromium keeps',
	'desktop/report-printer.ts': 'writes into the folder of an export, which Export report-pdf stands in for',
	'export/report/print-page.ts': 'makes a temporary folder for a browser',
	'runtime/node-placement.ts': 'makes a temporary folder for a profile, and goes on without',
	'web-host/web-shell.ts': 'makes a folder for exports',
};

const WRITING = new Set([
	...['writeFile', 'appendFile', 'copyFile', 'cp', 'rename', 'mkdir', 'mkdtemp', 'symlink', 'link'],
	...['writeFileSync', 'appendFileSync', 'copyFileSync', 'cpSync', 'renameSync', 'mkdirSync', 'mkdtempSync'],
	...['symlinkSync', 'linkSync', 'writeSync', 'writevSync', 'createWriteStream'],
	...['writeJsonFile', 'writeFileWhole', 'writeSealedFile', 'writePartialFirst', 'makeFolder'],
]);

/** Whether a module imports what writes files, or opens some to be written. */
function writes(text: string): boolean {
	const imported = [...text.matchAll(/^import \{([^}]*)\} from/gm)].flatMap(([, names]) =>
		names!.split(',').map((name) => name.trim().split(' as ')[0]!),
	);
	const opens = imported.some((name) => name === 'open' || name === 'openSync');
	const wholly = /^import (?!type|\{)[^{\n]* from 'node:fs/m.test(text);
	return wholly || imported.some((name) => WRITING.has(name)) || (opens && /'(wx?|ax?|r\+)\+?'/.test(text));
}

const main = join(installationFolder(), 'main');
const modules = readdirSync(main, { recursive: true, encoding: 'utf8' })
	.map((name) => name.replaceAll('\\', '/'))
	.filter((name) => /(?<!\.test|\.fixture|\.d)\.ts$/.test(name));

it('every module that writes files is tried on a disk that is full', () => {
	const writing = modules.filter((name) => writes(readFileSync(join(main, name), 'utf8')));
	expect(writing.sort()).toEqual(Object.keys({ ...TRIED, ...NOT_TRIED }).sort());
});

it('by a writer or a small disk that there is', () => {
	const titles = new Set([...WRITERS, ...SMALL_DISKS].map(({ title }) => title));
	expect(
		Object.values(TRIED)
			.flat()
			.filter((title) => !titles.has(title)),
	).toEqual([]);
});

it.each([
	["import { writeFile } from 'node:fs/promises';", true],
	["import {\n\tstat,\n\trename as move,\n} from 'node:fs/promises';", true],
	["import { open } from 'node:fs/promises';\nawait open(path);", false],
	["import { open } from 'node:fs/promises';\nawait open(path, 'wx');", true],
	["import { readFile } from 'node:fs/promises';", false],
	["import * as fs from 'node:fs';", true],
])('%j writes: %j', (text, expected) => {
	expect(writes(text)).toBe(expected);
});

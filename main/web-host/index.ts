import { realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Application } from '../application/application.ts';
import { dataFolders } from '../process/data-folders.ts';
import { samplePath } from '../application/videos.ts';
import { errorToData, UserFacingError } from '../domain/errors.ts';
import { installationFolder } from '../process/installation.ts';
import { removeLeftovers } from '../export/partial-file.ts';
import { startServer } from './server.ts';
import { listStaticFiles } from '../application/static-files.ts';
import { WebShell } from './web-shell.ts';

// The application for a browser on this machine, or at the other end of a tunnel.

const USAGE = `sparsight web host: the application for a browser, on this machine alone

  --root <folder>   a folder whose videos may be opened; may come more than once (default: this folder)
  --port <number>   the port to listen on (default: a free one)
  --open            open the browser
  --json            print the address as a JSON object
  [video]           the video to open first
`;

type Options = { roots: string[]; port: number; open: boolean; json: boolean; video: string | null };

async function main(): Promise<void> {
	const options = await readOptions(process.argv.slice(2));
	if (options === null) {
		process.stdout.write(USAGE);
		return;
	}
	const folders = dataFolders();
	await removeLeftovers(folders.exports);
	const shell = new WebShell({
		roots: options.roots,
		namedFiles: [samplePath(), ...(options.video === null ? [] : [options.video])],
		exportsFolder: folders.exports,
		workerEntries: {
			analysis: join(import.meta.dirname, 'worker.js'),
			export: join(import.meta.dirname, 'export-worker.js'),
			probe: join(import.meta.dirname, 'probe-worker.js'),
			provider: join(import.meta.dirname, 'provider-probe.js'),
		},
	});
	const application = await Application.open({ shell, folders, openAtStart: options.video });
	const page = await listStaticFiles(join(installationFolder(), 'out', 'renderer'));
	const server = await startServer(application, page, { port: options.port });
	endInOrder(async () => {
		await application.close();
		await server.close();
	});
	const { address, port } = server;
	process.stdout.write(
		options.json
			? `${JSON.stringify({ address, port, pid: process.pid })}\n`
			: `Sparsight is at ${address}\n`,
	);
	if (options.open) await openBrowser(address);
}

/** Null if help was requested. Throws `bad-argument` and `file-not-found`. */
async function readOptions(words: string[]): Promise<Options | null> {
	const { values, positionals } = parseWords(words);
	if (values.help) return null;
	const port = Number(values.port ?? '0');
	if (!Number.isInteger(port) || port < 0 || port > 65_535) {
		throw new UserFacingError(
			'bad-argument',
			`--port must be a number from 0 to 65535 (got "${values.port}").`,
		);
	}
	if (positionals.length > 1) {
		throw new UserFacingError('bad-argument', `One video at most was expected (got ${positionals.length}).`);
	}
	const [video] = positionals;
	return {
		roots: await Promise.all((values.root ?? ['.']).map(realFolder)),
		port,
		open: values.open ?? false,
		json: values.json ?? false,
		video: video === undefined ? null : resolve(video),
	};
}

function parseWords(args: string[]) {
	try {
		return parseArgs({
			args,
			allowPositionals: true,
			options: {
				root: { type: 'string', multiple: true },
				port: { type: 'string' },
				open: { type: 'boolean' },
				json: { type: 'boolean' },
				help: { type: 'boolean', short: 'h' },
			},
		});
	} catch (cause) {
		const reason = cause instanceof Error ? cause.message : String(cause);
		throw new UserFacingError('bad-argument', reason, { remedy: 'Run it with --help.', cause });
	}
}

async function realFolder(path: string): Promise<string> {
	const found = await stat(path).catch(() => null);
	if (found?.isDirectory()) return realpath(path);
	const came = found ? 'a file' : 'nothing there';
	throw new UserFacingError('file-not-found', `--root ${path}: a folder was expected (got ${came}).`);
}

async function openBrowser(address: string): Promise<void> {
	const { default: open } = await import('open');
	await open(address).catch(() => undefined); // the address is printed as well
}

/** The first Ctrl+C or SIGTERM ends runs orderly; the second one ends at once. */
function endInOrder(close: () => Promise<void>): void {
	let ending = false;
	const onSignal = () => {
		if (ending) process.exit(130);
		ending = true;
		void close().finally(() => process.exit(0));
	};
	process.on('SIGINT', onSignal);
	process.on('SIGTERM', onSignal);
}

main().catch((error: unknown) => {
	const { code, message, remedy, stack } = errorToData(error);
	process.stderr.write(
		`${code === 'internal' ? (stack ?? message) : [message, remedy].filter(Boolean).join(' ')}\n`,
	);
	process.exitCode = 1;
});

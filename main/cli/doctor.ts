import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { existsSync } from 'node:fs';
import { errorToData } from '../domain/errors.ts';
import type { Pace } from '../execution/provider-checks.ts';
import type { MeasuredSpeed } from '../domain/speed.ts';
import { PRODUCT_VERSION } from '../process/product-version.ts';
import { runtimeVersion } from '../runtime/runtime-version.ts';
import { listModels } from '../models/catalog.ts';
import { findFfmpeg } from '../video/ffmpeg-binary.ts';
import { captureOutput } from '../video/run-program.ts';
import { EXIT } from './exit-codes.ts';
import type { Session } from './options.ts';
import { rememberedChecks, speeds } from './workers.ts';

/** One thing that was checked. */
type Finding = {
	name: string;
	found: boolean;
	/** Whether analysis requires it. */
	required: boolean;
	/** What was found, or what is missing and what to do. */
	text: string;
	details: object;
};

export function defineDoctor(command: Command): Command {
	return command.description('show what this machine has for analysis, and what is missing');
}

export async function doctorCommand({ console }: Session): Promise<number> {
	const findings = [
		machine(),
		await finding('ffmpeg', true, ffmpeg),
		await finding('runtime', true, runtime),
		await finding('models', true, models),
		await finding('electron', false, electron),
	];
	const missing = findings.filter(({ found, required }) => required && !found).map(({ name }) => name);
	const lines = findings.map(
		({ name, found, required, text }) =>
			`${name.padEnd(9)} ${found ? 'ok' : required ? 'MISSING' : 'absent'}: ${text}`,
	);
	lines.push(missing.length === 0 ? 'Ready for analysis.' : `Not ready: ${missing.join(', ')} missing.`);
	const data = Object.fromEntries(
		findings.map(({ name, found, required, text, details }) => [name, { found, required, text, ...details }]),
	);
	console.result(
		{ version: PRODUCT_VERSION, ready: missing.length === 0, missing, ...data },
		`${lines.join('\n')}\n`,
	);
	return missing.length === 0 ? EXIT.ok : EXIT.engine;
}

/** A check that throws is a finding, too. */
async function finding(
	name: string,
	required: boolean,
	look: () => Promise<{ found: boolean; text: string; details: object }>,
): Promise<Finding> {
	try {
		return { name, required, ...(await look()) };
	} catch (error) {
		const { code, message, remedy } = errorToData(error);
		return {
			name,
			required,
			found: false,
			text: [message, remedy].filter(Boolean).join(' '),
			details: { code },
		};
	}
}

function machine(): Finding {
	const cores = availableParallelism();
	const memoryBytes = totalmem();
	const processor = cpus()[0]?.model.trim() ?? 'unknown processor';
	return {
		name: 'machine',
		found: true,
		required: true,
		text: `${cores} cores (${processor}), ${(memoryBytes / 2 ** 30).toFixed(1)} GiB memory, Node ${process.versions.node}, ${process.platform} ${process.arch}`,
		details: {
			cores,
			processor,
			memoryBytes,
			node: process.versions.node,
			platform: process.platform,
			arch: process.arch,
		},
	};
}

/** Encoders that exports and their fallbacks use. */
const ENCODERS_OF_INTEREST = ['libx264', 'libopenh264', 'h264_nvenc', 'h264_videotoolbox', 'aac'];

async function ffmpeg() {
	const { ffmpeg: path, ffprobe, version, source } = await findFfmpeg();
	const { stdout } = await captureOutput(path, ['-hide_banner', '-encoders']);
	const encoders = ENCODERS_OF_INTEREST.filter((name) =>
		new RegExp(`^ [VA]\\S+ ${name}\\s`, 'm').test(stdout),
	);
	const text = `${version} at ${path} (from ${source}); ffprobe ${ffprobe ?? 'absent, ffmpeg stands in'}; encoders ${encoders.join(', ')}`;
	return { found: true, text, details: { path, ffprobe, version, source, encoders } };
}

async function runtime() {
	const version = runtimeVersion();
	const providers = await rememberedChecks().anew({ tryProcessor: true });
	const works = providers.some(({ name, works }) => name === 'cpu' && works);
	await speeds().forgetFailures();
	const latest = await speeds().latest();
	const words = providers.map(({ name, works, attention, reason, pace }) => {
		if (!works) return `${name} unusable (${reason})`;
		const measured = latest.get(name);
		const figure = measured ? `, ${speedWords(measured)}` : '';
		const how = attention === 'fused' ? '' : ` with attention spelled out (its own: ${reason})`;
		const product = pace ? `, a matrix product in ${paceWords(pace)}` : '';
		return `${name}${how}${product}${figure}`;
	});
	const int8 = works ? await roundedInInt8() : null;
	const rounds = int8 === null ? '' : `; int8 ${INT8_WORDS[int8]}`;
	return {
		found: works,
		text: `onnxruntime ${version}: ${words.join('; ')}${rounds}`,
		details: {
			version,
			int8,
			providers: providers.map((one) => ({ ...one, speed: latest.get(one.name) ?? null })),
		},
	};
}

/** What `--precision int8` computes in whole numbers of eight bits on this processor. */
const INT8_WORDS = {
	'all-products': 'also for attention, for this processor multiplies bytes by instructions of their own',
	'linear-layers':
		'for linear layers only, for this processor has no instructions of their own for products of bytes',
};

async function roundedInInt8(): Promise<keyof typeof INT8_WORDS> {
	const { createRuntime } = await import('../runtime/onnx-runtime.ts');
	const { multipliesBytes } = await import('../runtime/byte-products.ts');
	return (await multipliesBytes(createRuntime(1))) ? 'all-products' : 'linear-layers';
}

/** Such as "2.1 ms (11.8 ms on one thread of the processor)". */
function paceWords({ own, processor }: Pace): string {
	return `${own.toFixed(1)} ms (${processor.toFixed(1)} ms on one thread of the processor)`;
}

/** Such as "23.4 ms a frame (Lookout, dense, 768 × 576)". */
function speedWords({ milliseconds, model, mode, size }: MeasuredSpeed): string {
	return `${milliseconds.toFixed(1)} ms a frame (${model}, ${mode}, ${size.width} × ${size.height})`;
}

async function models() {
	// Loaded only here: if the runtime cannot be loaded, everything else is still reported.
	const { openModel } = await import('../families/index.ts');
	const { createRuntime } = await import('../runtime/onnx-runtime.ts');
	const entries = [];
	for (const { id, path } of await listModels()) {
		try {
			const model = await openModel(path);
			const options = { displaySize: { width: 64, height: 48 }, maxSide: 64, scoreThreshold: 0.25 };
			const detector = await model.open({ ...options, mode: 'dense', settings: {} }, createRuntime(1));
			await detector.release();
			entries.push({ id, path, loads: true, reason: null });
		} catch (error) {
			entries.push({ id, path, loads: false, reason: errorToData(error).message });
		}
	}
	const words = entries.map(({ id, path, reason }) =>
		reason === null ? `${id} at ${path}` : `${id} does not load: ${reason}`,
	);
	return {
		found: entries.some(({ loads }) => loads),
		text: words.length > 0 ? words.join('; ') : 'no model was found',
		details: { entries },
	};
}

/** Reads the package's own note about its binary: requiring the package would start a download. */
async function electron() {
	const manifestPath = createRequire(import.meta.url).resolve('electron/package.json');
	const { version } = JSON.parse(await readFile(manifestPath, 'utf8')) as { version: string };
	const folder = dirname(manifestPath);
	const note = join(folder, 'path.txt');
	const binary = existsSync(note) ? join(folder, 'dist', (await readFile(note, 'utf8')).trim()) : null;
	const found = binary !== null && existsSync(binary);
	const text = found
		? `${version} at ${binary}`
		: `the binary of Electron ${version} is not downloaded; the command line does not need it, "npx install-electron" fetches it`;
	return { found, text, details: { version, path: found ? binary : null } };
}

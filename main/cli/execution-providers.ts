import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { installationFolder } from '../process/installation.ts';

/** What one execution provider of the inference runtime said when it was asked to run. */
export type ProviderCheck = { name: string; works: boolean; reason: string | null };

/** A driver that hangs is as good as none. */
const PATIENCE_MILLISECONDS = 30_000;

/** An ONNX file with a single node, Neg over one float. */
const SMALLEST_MODEL = 'CAg6MgoLCgF4EgF5IgNOZWcSAWdaDwoBeBIKCggIARIECgIIAWIPCgF5EgoKCAgBEgQKAggBQgQKABAR';

const LIST = `
import { listSupportedBackends } from 'onnxruntime-node';
console.log(JSON.stringify(listSupportedBackends().map(({ name }) => name)));
`;

const TRY = (provider: string) => `
import { InferenceSession, Tensor } from 'onnxruntime-node';
try {
	const model = Buffer.from('${SMALLEST_MODEL}', 'base64');
	const session = await InferenceSession.create(model, { executionProviders: [${JSON.stringify(provider)}] });
	const { y } = await session.run({ x: new Tensor('float32', [2], [1]) });
	console.log(JSON.stringify(y.data[0] === -2 ? null : 'it computes wrongly'));
} catch (error) {
	console.log(JSON.stringify(error.message));
}
`;

/**
 * Asks the runtime for its providers and lets each compute something. One at a time and in a process of its
 * own: a provider that cannot load fails the whole session, and some drivers take the process with them.
 */
export async function checkProviders(): Promise<ProviderCheck[]> {
	const names = (await runScript(LIST)) as string[];
	const checks: ProviderCheck[] = [];
	for (const name of names) {
		const reason = await runScript(TRY(name)).then(
			(said) => said as string | null,
			(error: unknown) =>
				`its process ended: ${error instanceof Error ? firstLine(error.message) : String(error)}`,
		);
		checks.push({ name, works: reason === null, reason: reason === null ? null : lastSentence(reason) });
	}
	return checks;
}

/** What `source` prints as JSON, run as a module that sees the installed packages. */
async function runScript(source: string): Promise<unknown> {
	const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', source], {
		cwd: installationFolder(),
		timeout: PATIENCE_MILLISECONDS,
		killSignal: 'SIGKILL',
		env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
	});
	return JSON.parse(stdout);
}

function firstLine(text: string): string {
	return text.split('\n')[0] ?? text;
}

/** The runtime puts its source file and condition first and what matters last. */
function lastSentence(text: string): string {
	return firstLine(text.trim()).split(' was false. ').at(-1) ?? text;
}

import { execFile } from 'node:child_process';

export type Captured = { exitCode: number | null; stdout: string; stderr: string };

/** Runs `program` to its end. A non-zero exit is a result; a program that cannot be started throws its error. */
export function captureOutput(program: string, args: string[], signal?: AbortSignal): Promise<Captured> {
	return new Promise((resolve, reject) => {
		const options = { maxBuffer: 64 << 20, windowsHide: true, killSignal: 'SIGKILL' as const, signal };
		const child = execFile(program, args, options, (error, stdout, stderr) => {
			// oxlint-disable-next-line typescript/prefer-promise-reject-errors -- it is one; Node's types forget that
			if (error && typeof error.code !== 'number' && !error.killed) reject(error);
			else resolve({ exitCode: child.exitCode, stdout, stderr });
		});
		child.stdin?.end();
	});
}

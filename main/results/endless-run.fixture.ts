import { errorToData } from '../domain/errors.ts';
import type { FrameResult } from '../domain/frame-result.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import type { RunHeader } from '../domain/run.ts';
import { RunWriter } from './run-writer.ts';
import { sampleHeader, sampleMaps, sampleResult } from './sample-run.fixture.ts';

/** A toy engine: each frame's cost depends on all frames before it, so that wrongly restored memory shows at once. */
export class SampleEngine {
	#memory = 1;

	next(frameIndex: number): FrameResult {
		this.#memory = (this.#memory * 48271 + frameIndex) % 2147483647;
		const result = sampleResult(frameIndex);
		const maps = sampleMaps(frameIndex);
		return {
			...result,
			cost: { ...result.cost, macs: this.#memory },
			...(maps.length > 0 && { maps }),
		};
	}

	saveState(): NamedArrays {
		return { memory: Float64Array.of(this.#memory) };
	}

	restoreState(state: NamedArrays | null): void {
		this.#memory = state ? state['memory']![0]! : 1;
	}
}

/** The first `count` frames of the sample engine, as an undisturbed run would store them. */
export function undisturbed(count: number): FrameResult[] {
	const engine = new SampleEngine();
	return Array.from({ length: count }, (_, i) => engine.next(i));
}

/**
 * Records the sample engine in `folder`, continuing the run that is there, until `frames` are stored, with a snapshot
 * every `snapshotFrames`.
 */
export async function recordSample(
	folder: string,
	frames: number,
	snapshotFrames: number,
	header: Partial<RunHeader> = {},
): Promise<RunWriter> {
	const engine = new SampleEngine();
	const { writer, lastFrameIndex } = await createOrResume(folder, engine, header);
	for (let i = lastFrameIndex + 1; i < frames; i++) {
		await writer.append(engine.next(i));
		if ((i + 1) % snapshotFrames === 0) await writer.snapshot(engine.saveState());
	}
	return writer;
}

async function createOrResume(
	folder: string,
	engine: SampleEngine,
	header: Partial<RunHeader>,
): Promise<{ writer: RunWriter; lastFrameIndex: number }> {
	try {
		return { writer: await RunWriter.create(folder, sampleHeader(header)), lastFrameIndex: -1 };
	} catch (error) {
		if (errorToData(error).code !== 'run-exists') throw error;
		const resumed = await RunWriter.resume(folder);
		engine.restoreState(resumed.state);
		return resumed;
	}
}

// Run as a process, records until it is killed or the disk is full.
if (process.argv[2] === '--endless') {
	try {
		await recordSample(process.argv[3]!, Infinity, 150);
	} catch (error) {
		process.stdout.write(JSON.stringify({ ...errorToData(error), stack: null }));
		process.exitCode = 1;
	}
}

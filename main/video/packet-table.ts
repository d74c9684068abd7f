import { Writable } from 'node:stream';
import type { VideoInfo } from '../domain/video.ts';
import { cancelled, onAbort } from './cancellation.ts';
import { packetsCommand } from './ffmpeg-args.ts';
import { findFfmpeg } from './ffmpeg-binary.ts';
import { startFfmpeg } from './ffmpeg.ts';
import { parseDamageLine } from './log-lines.ts';

/** The packets of a video stream that show a picture, in order of presentation. */
export type PacketTable = {
	secondsPerTick: number;
	/** Presentation times, strictly rising. */
	ticks: number[];
	/** Indices into `ticks` at which decoding can begin. */
	keyFrames: number[];
};

/**
 * The packets from the start of the file to shortly after the first key frame for which `isPast` is true (given the
 * number of packets before that key frame, and its time in seconds); nothing is decoded. If packets do not determine
 * the frames (times missing or not unique, damage), a sentence that says why. Throws `cancelled`.
 */
export async function readPackets(
	video: VideoInfo,
	isPast: (packetsBefore: number, seconds: number) => boolean,
	signal: AbortSignal | undefined,
): Promise<PacketTable | string> {
	const binaries = await findFfmpeg();
	if (signal?.aborted) throw cancelled(video.path);
	const list = new PacketList(isPast);
	let damage: string | null = null;
	let text = '';
	const stdout = new Writable({
		emitClose: false,
		write(chunk: Uint8Array, _, done) {
			const lines = (text + Buffer.from(chunk).toString('latin1')).split('\n');
			text = lines.pop()!;
			for (const line of lines) list.readLine(line);
			if (list.isComplete) job?.kill();
			done();
		},
	});
	const onLine = (line: string) => (damage ??= parseDamageLine(line));
	let job: Awaited<ReturnType<typeof startFfmpeg>> | null = null;
	job = await startFfmpeg(binaries, packetsCommand(video.path, video.codec), { stdout, onLine });
	const release = onAbort(signal, () => job.kill());
	if (list.isComplete) job.kill();
	const { failure } = await job.ended;
	release();
	if (signal?.aborted) throw cancelled(video.path);
	if (damage !== null) return `its packets are damaged (${damage as string})`;
	if (failure !== null && !list.isComplete) return `its packets cannot be listed (${failure})`;
	return list.table();
}

/** Flags of packets, as ffmpeg numbers them. */
const KEY = 1;
const DISCARDED = 4;

/** Key frames to read after the wanted place: what follows the second one in the file is shown after the first one. */
const KEY_FRAMES_PAST = 2;

/** Reads the list that ffmpeg's `framecrc` writes: `#tb 0: 1/25`, then a line for each packet. */
class PacketList {
	readonly #isPast: (packetsBefore: number, seconds: number) => boolean;
	readonly #packets: { ticks: number; isKey: boolean }[] = [];
	#secondsPerTick = Number.NaN;
	#keyFramesPast = 0;
	#withoutTime = false;
	#lastKey = Number.NEGATIVE_INFINITY;
	#beginsAgain = false;

	constructor(isPast: (packetsBefore: number, seconds: number) => boolean) {
		this.#isPast = isPast;
	}

	get isComplete(): boolean {
		return this.#keyFramesPast >= KEY_FRAMES_PAST;
	}

	readLine(line: string): void {
		if (this.isComplete) return;
		const clock = /^#tb 0: (\d+)\/(\d+)/.exec(line);
		if (clock) this.#secondsPerTick = Number(clock[1]) / Number(clock[2]);
		if (line.startsWith('#') || line === '') return;
		const [, , presented, , , , ...rest] = line.split(',').map((part) => part.trim());
		const ticks = Number(presented);
		const flags = Number(rest.find((part) => part.startsWith('F='))?.slice(2) ?? KEY); // only printed if it is not just a key frame
		if (flags & DISCARDED) return; // an edit list hides it
		if (!Number.isSafeInteger(ticks)) this.#withoutTime = true;
		const isKey = (flags & KEY) !== 0;
		if (isKey && ticks < this.#lastKey) this.#beginsAgain = true;
		if (isKey) this.#lastKey = ticks;
		if (isKey && this.#isPast(this.#packets.length, ticks * this.#secondsPerTick)) this.#keyFramesPast++;
		this.#packets.push({ ticks, isKey });
	}

	table(): PacketTable | string {
		if (this.#withoutTime) return 'it has packets without a time';
		if (this.#beginsAgain) return 'its clock begins again';
		const packets = this.#packets.sort((a, b) => a.ticks - b.ticks);
		const ticks = packets.map((packet) => packet.ticks);
		if (ticks.some((tick, i) => i > 0 && tick === ticks[i - 1])) return 'several of its packets share a time';
		const keyFrames = [...packets.keys()].filter((i) => packets[i]!.isKey);
		return { secondsPerTick: this.#secondsPerTick, ticks, keyFrames };
	}
}

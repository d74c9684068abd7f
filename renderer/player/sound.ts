/** Decoded sound in order of time, in the clock of the file that the pictures are of. */
export type SoundSource = {
	buffers(
		fromSeconds: number,
	): AsyncGenerator<{ buffer: AudioBuffer; timestamp: number; duration: number }, void, unknown>;
};

/** Sound may be apart from the picture by that much: less than a lip reader sees (ITU-R BT.1359). */
const MOST_DRIFT_SECONDS = 0.08;
/** Handed to the audio device before it is due. */
const AHEAD_SECONDS = 0.5;

type Voice = { startedAt: number; fromSeconds: number; nodes: Set<AudioBufferSourceNode>; stopped: boolean };

/**
 * Plays a file's sound along with the clock of its pictures, at their own speed only: at any other, voices are no help.
 * The pictures lead. Where sound has drifted from them, it begins anew at the right place.
 */
export class Sound {
	readonly #source: SoundSource;
	readonly #context: AudioContext;
	readonly #gain: GainNode;
	#voice: Voice | null = null;

	constructor(source: SoundSource, context: AudioContext) {
		this.#source = source;
		this.#context = context;
		this.#gain = context.createGain();
		this.#gain.connect(context.destination);
	}

	/** 0 (silent) to 1. */
	setVolume(volume: number): void {
		// Loudness is felt as a power of the amplitude: a square lets the middle of a slider be the middle.
		this.#gain.gain.value = volume ** 2;
	}

	/** To be called with every move of the clock. */
	follow(clockSeconds: number, rate: number): void {
		if (rate !== 1) {
			this.stop();
			return;
		}
		const voice = this.#voice;
		if (voice) {
			const heard = voice.fromSeconds + this.#context.currentTime - voice.startedAt;
			if (Math.abs(heard - clockSeconds) <= MOST_DRIFT_SECONDS) return;
			this.stop();
		}
		void this.#context.resume();
		this.#voice = {
			startedAt: this.#context.currentTime,
			fromSeconds: clockSeconds,
			nodes: new Set(),
			stopped: false,
		};
		void this.#play(this.#voice);
	}

	stop(): void {
		const voice = this.#voice;
		if (!voice) return;
		this.#voice = null;
		voice.stopped = true;
		for (const node of voice.nodes) node.stop();
	}

	close(): void {
		this.stop();
		void this.#context.close();
	}

	async #play(voice: Voice): Promise<void> {
		try {
			for await (const { buffer, timestamp, duration } of this.#source.buffers(voice.fromSeconds)) {
				if (voice.stopped) return;
				const due = voice.startedAt + timestamp - voice.fromSeconds;
				const late = this.#context.currentTime - due;
				if (late < duration) this.#schedule(voice, buffer, due, Math.max(0, late));
				const wait = due - this.#context.currentTime - AHEAD_SECONDS;
				if (wait > 0) await new Promise((done) => setTimeout(done, 1000 * wait));
			}
		} catch {
			// Pictures go on without sound that cannot be decoded.
		}
	}

	#schedule(voice: Voice, buffer: AudioBuffer, due: number, skip: number): void {
		const node = this.#context.createBufferSource();
		node.buffer = buffer;
		node.connect(this.#gain);
		node.onended = () => voice.nodes.delete(node);
		node.start(due + skip, skip);
		voice.nodes.add(node);
	}
}

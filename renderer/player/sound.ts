/** Decoded sound in order of time, in the same clock as the pictures. */
export type SoundSource = {
	buffers(
		fromSeconds: number,
	): AsyncGenerator<{ buffer: AudioBuffer; timestamp: number; duration: number }, void, unknown>;
};

/** Largest offset between sound and picture: less than can be noticed (ITU-R BT.1359). */
const MOST_DRIFT_SECONDS = 0.08;
/** How early sound is handed to the audio device. */
const AHEAD_SECONDS = 0.5;

type Voice = { startedAt: number; fromSeconds: number; nodes: Set<AudioBufferSourceNode>; stopped: boolean };

/**
 * Plays a file's sound in sync with its pictures, at normal speed only. The pictures lead: if the sound has drifted, it
 * restarts at the right position.
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
		// Perceived loudness is a power of the amplitude: squaring makes the slider feel linear.
		this.#gain.gain.value = volume ** 2;
	}

	/** Call at every tick of the clock. */
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
			// If the sound cannot be decoded, pictures play without it.
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

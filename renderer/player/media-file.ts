import {
	ALL_FORMATS,
	AudioBufferSink,
	EncodedPacketSink,
	Input,
	UrlSource,
	VideoSampleSink,
	type InputVideoTrack,
	type VideoSample,
} from 'mediabunny';

/** Why this browser cannot play a file itself. */
export type Unplayable = 'container' | 'codec';

// The file comes from this machine: after three failures it is gone.
const RETRIES = 3;
const RETRY_SECONDS = 0.2;

/** Containers in which each packet is a frame, and whose clock the host reads in the same way. */
const TRUSTED_CONTAINERS = ['video/mp4', 'video/quicktime', 'video/x-matroska', 'video/webm'];

/** The first video stream of a file that is read over byte ranges. */
export class MediaFile {
	/** Whether packets may not be frames (VP8 has invisible ones), or the container says little about them. */
	readonly isDoubtful: boolean;
	/** Frames before this time are cut off by an edit list. */
	readonly startSeconds: number;
	readonly #input: Input;
	readonly #packets: EncodedPacketSink;
	readonly #samples: VideoSampleSink;

	private constructor(
		input: Input,
		track: InputVideoTrack,
		traits: { isDoubtful: boolean; startSeconds: number },
	) {
		this.#input = input;
		this.#packets = new EncodedPacketSink(track);
		this.#samples = new VideoSampleSink(track);
		this.isDoubtful = traits.isDoubtful;
		this.startSeconds = traits.startSeconds;
	}

	/** Reads the head of the file at `url`. Throws on network failures; if it cannot be played, returns why. */
	static async open(url: string): Promise<MediaFile | Unplayable> {
		const source = new UrlSource(url, {
			getRetryDelay: (attempts) => (attempts < RETRIES ? RETRY_SECONDS : null),
			// Failed read-ahead is repeated, and reported, by whoever needs the data.
			handleUnhandledError: () => undefined,
		});
		const input = new Input({ source, formats: ALL_FORMATS });
		try {
			if (!(await input.canRead())) return drop(input, 'container');
			// The first one, like the engine; not the one that a browser would prefer.
			const track = (await input.getVideoTracks())[0];
			if (!track) return drop(input, 'container');
			if (!(await track.canDecode())) return drop(input, 'codec');
			const container = (await input.getMimeType()).split(';')[0]!;
			const isDoubtful = !TRUSTED_CONTAINERS.includes(container) || (await track.getCodec()) === 'vp8';
			const hasEditLists = container === 'video/mp4' || container === 'video/quicktime';
			return new MediaFile(input, track, {
				isDoubtful,
				startSeconds: hasEditLists ? 0 : Number.NEGATIVE_INFINITY,
			});
		} catch (error) {
			input.dispose();
			throw error;
		}
	}

	/** Time and kind of every packet, in decoding order. */
	async *packets(): AsyncGenerator<{ seconds: number; isKey: boolean }> {
		// The library's own iterator keeps a second's worth of packets in a queue, which takes most of the time here.
		const options = { metadataOnly: true };
		for (
			let packet = await this.#packets.getFirstPacket(options);
			packet;
			packet = await this.#packets.getNextPacket(packet, options)
		)
			yield { seconds: packet.timestamp, isKey: packet.type === 'key' };
	}

	/** Decoded frames in presentation order from `fromSeconds` on. The caller must close each. */
	samples(fromSeconds: number): AsyncGenerator<VideoSample, void, unknown> {
		return this.#samples.samples(fromSeconds);
	}

	/** The decoded frames shown at these times, which ascend; null where there is none. The caller must close each. */
	samplesAt(seconds: readonly number[]): AsyncGenerator<VideoSample | null, void, unknown> {
		return this.#samples.samplesAtTimestamps(seconds);
	}

	/** The first audio track of the file; null if there is none that this browser can decode. */
	async sound(): Promise<AudioBufferSink | null> {
		const track = (await this.#input.getAudioTracks())[0];
		return track && (await track.canDecode()) ? new AudioBufferSink(track) : null;
	}

	close(): void {
		this.#input.dispose();
	}
}

function drop(input: Input, reason: Unplayable): Unplayable {
	input.dispose();
	return reason;
}

import { describe, expect, it } from 'vitest';
import { Sound, type SoundSource } from './sound.ts';

/** An audio device whose time is set by hand; notes what is played when, and from where in its buffer. */
function device() {
	const played: { at: number; skip: number; stopped: boolean }[] = [];
	const gain = { gain: { value: 1 }, connect: () => undefined };
	const context = {
		currentTime: 0,
		destination: {},
		resume: () => Promise.resolve(),
		close: () => Promise.resolve(),
		createGain: () => gain,
		createBufferSource: () => {
			const entry = { at: 0, skip: 0, stopped: false };
			return {
				connect: () => undefined,
				start: (at: number, skip: number) => void played.push(Object.assign(entry, { at, skip })),
				stop: () => void (entry.stopped = true),
			};
		},
	};
	return { played, gain, context, audio: context as unknown as AudioContext };
}

/** Three buffers of 0.1 s from the asked time on, each beginning at a tenth of a second. */
const source: SoundSource = {
	async *buffers(fromSeconds) {
		const first = Math.floor(fromSeconds * 10 + 1e-9);
		for (let i = first; i < first + 3; i++) {
			yield { buffer: {} as AudioBuffer, timestamp: i / 10, duration: 0.1 };
		}
	},
};
const settled = () => new Promise((done) => setTimeout(done, 0));

describe('sound', () => {
	it('is played where the clock stands, the first buffer from its middle on', async () => {
		const { played, audio, context } = device();
		context.currentTime = 7;
		new Sound(source, audio).follow(2.05, 1);
		await settled();
		expect(played.map(({ at, skip }) => [at.toFixed(2), skip.toFixed(2)])).toEqual([
			['7.00', '0.05'],
			['7.05', '0.00'],
			['7.15', '0.00'],
		]);
	});

	it.each([
		['goes on while it keeps up', 0.5, 2.52, 3, 0],
		['begins anew where the picture was held up', 0.5, 2.3, 6, 3],
		['begins anew where the picture has jumped', 0.1, 40, 6, 3],
	])('%s', async (_, later, clock, scheduled, stopped) => {
		const { played, audio, context } = device();
		const sound = new Sound(source, audio);
		sound.follow(2, 1);
		await settled();
		context.currentTime = later;
		sound.follow(clock, 1);
		await settled();
		expect(played).toHaveLength(scheduled);
		expect(played.filter((one) => one.stopped)).toHaveLength(stopped);
	});

	it.each([2, 0.5, -1])('is silent at %s times the speed', async (rate) => {
		const { played, audio } = device();
		const sound = new Sound(source, audio);
		sound.follow(2, 1);
		await settled();
		sound.follow(2.04, rate);
		await settled();
		expect(played).toHaveLength(3);
		expect(played.every(({ stopped }) => stopped)).toBe(true);
	});

	it('is as loud as it is asked to be', () => {
		const { gain, audio } = device();
		const sound = new Sound(source, audio);
		sound.setVolume(0);
		expect(gain.gain.value).toBe(0);
		sound.setVolume(1);
		expect(gain.gain.value).toBe(1);
	});
});

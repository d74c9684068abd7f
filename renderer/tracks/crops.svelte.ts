import { Changes } from '../changes.svelte.ts';
import type { Cut } from '../player/cut-frames.ts';
import type { Player } from '../player/player.svelte.ts';

/** Pictures that are kept, at most 50 MB of them: several screens full. */
const MOST_PICTURES = 256;
/** Who still scrolls sees no pictures, and decoding each place that is passed would only delay where it ends. */
const PAUSE_MS = 80;

export type Crop = Cut & { key: string };

/** The pictures of objects that are on the screen, cut out of the video one after another. */
export class Crops {
	readonly #player: Pick<Player, 'cut'>;
	/** Least recently wanted first. */
	readonly #pictures = new Map<string, ImageBitmap>();
	readonly #changes = new Changes();
	#wanted: readonly Crop[] = [];
	/** What is being cut, and what ends that. */
	#work: { keys: ReadonlySet<string>; stop: AbortController } | null = null;
	#waiting: ReturnType<typeof setTimeout> | null = null;
	#edition = Number.NaN;

	constructor(player: Pick<Player, 'cut'>) {
		this.#player = player;
	}

	/** Null until it was cut. It belongs to this cache, and is valid while it is wanted. Reactive. */
	get(key: string): ImageBitmap | null {
		this.#changes.track();
		return this.#pictures.get(key) ?? null;
	}

	/**
	 * What is on the screen: no other pictures are cut. `edition` is the player's; pictures of an earlier one are thrown away. `held`: the
	 * decoder is needed elsewhere, and what is missing comes with the next wish.
	 */
	want(wanted: readonly Crop[], edition: number, held: boolean): void {
		if (edition !== this.#edition) this.clear();
		this.#edition = edition;
		this.#wanted = wanted;
		for (const { key } of wanted) {
			const picture = this.#pictures.get(key);
			if (!picture) continue;
			this.#pictures.delete(key);
			this.#pictures.set(key, picture);
		}
		const missing = this.#missing();
		if (!held && missing.length > 0 && missing.every(({ key }) => this.#work?.keys.has(key))) return;
		this.#stop();
		if (!held && missing.length > 0) this.#waiting = setTimeout(() => void this.#cut(), PAUSE_MS);
	}

	/** Throws all pictures away, and cuts no more. */
	clear(): void {
		this.#stop();
		this.#wanted = [];
		for (const picture of this.#pictures.values()) picture.close();
		this.#pictures.clear();
		this.#changes.announce();
	}

	#missing(): Crop[] {
		return this.#wanted.filter(({ key }) => !this.#pictures.has(key));
	}

	#stop(): void {
		if (this.#waiting !== null) clearTimeout(this.#waiting);
		this.#waiting = null;
		this.#work?.stop.abort();
		this.#work = null;
	}

	async #cut(): Promise<void> {
		const missing = this.#missing();
		const stop = new AbortController();
		const work = { keys: new Set(missing.map(({ key }) => key)), stop };
		this.#work = work;
		for await (const { cut, bitmap } of this.#player.cut(missing, stop.signal)) {
			if (stop.signal.aborted) {
				bitmap.close();
				break;
			}
			this.#pictures.get(cut.key)?.close();
			this.#pictures.set(cut.key, bitmap);
			this.#shrink();
			this.#changes.announce();
		}
		if (this.#work === work) this.#work = null;
	}

	/** What is on the screen was wanted last, and stays. */
	#shrink(): void {
		for (const [key, picture] of this.#pictures) {
			if (this.#pictures.size <= MOST_PICTURES) return;
			this.#pictures.delete(key);
			picture.close();
		}
	}
}

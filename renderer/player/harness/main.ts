import { flushSync, mount, unmount } from 'svelte';
import type { HostApi, HostEvent, OpenedVideo } from '../../../preload/contract.ts';
import type { OverlayLook } from '../overlay-scene.ts';
import { Player, type Beginning } from '../player.svelte.ts';
import VideoStage from '../VideoStage.svelte';
import '../../theme.css';
import { countFrames } from './count-frames.ts';
import { sampleRun } from './sample-run.ts';

// A page with only the player, for tests; not part of the application.

export type HarnessVideo = {
	info: OpenedVideo['info'];
	mediaUrl: string;
	/** The host's frame times; null while it is still reading. */
	hostTimes: number[] | null;
	/** The copy that the host makes on request; null = it cannot. */
	copyUrl: string | null;
	/** CSS pixels. */
	stage: { width: number; height: number };
	panes: number;
	overlay?: OverlayLook;
	/** Where it was left. */
	beginning?: Beginning;
};

const counts = countFrames();
const stageElement = document.querySelector<HTMLElement>('#stage')!;
let current: { player: Player; components: object[] } | null = null;
const asked: string[] = [];

async function open(video: HarnessVideo): Promise<void> {
	await close();
	Object.assign(stageElement.style, {
		width: `${video.stage.width}px`,
		height: `${video.stage.height}px`,
	});
	const opened: OpenedVideo = {
		videoId: 'video',
		name: 'clip',
		info: video.info,
		mediaUrl: video.mediaUrl,
		proxyUrl: null,
		clock: null,
		runs: [],
	};
	const player = await Player.open(opened, hostOf(video), video.beginning);
	const panes = Array.from({ length: video.panes }, (_, i) => ({
		label: `Pane ${i + 1}`,
		run: video.overlay ? sampleRun(video.info.displaySize) : null,
	}));
	const overlay = video.overlay ?? {
		boxes: false,
		labels: false,
		identities: false,
		truth: false,
		camera: false,
		heatMap: 'off',
		heatOpacity: 0.5,
		chosen: null,
	};
	const components = [
		mount(VideoStage, {
			target: stageElement,
			props: { player, panes, overlay, activePane: 0, onActivate: () => undefined },
		}),
	];
	current = { player, components };
	flushSync();
}

/** Closes the player. */
async function close(): Promise<void> {
	if (!current) return;
	const { player, components } = current;
	current = null;
	asked.length = 0;
	for (const component of components) await unmount(component);
	player.close();
}

function hostOf(video: HarnessVideo): HostApi {
	const listeners = new Set<(event: HostEvent) => void>();
	const answers: Record<string, () => unknown> = {
		'video.frameTimes': () => ({
			ptsSeconds: Float64Array.from(video.hostTimes ?? []),
			complete: video.hostTimes !== null,
		}),
		'video.prepareProxy': () => {
			const { copyUrl } = video;
			const tell = (done: number, proxyUrl: string | null) => {
				for (const listener of listeners) {
					listener({ type: 'proxy', videoId: 'video', done, total: 10, proxyUrl, error: null });
				}
			};
			setTimeout(() => tell(5, null), 20);
			if (copyUrl !== null) setTimeout(() => tell(10, copyUrl), 60);
			return { proxyUrl: null };
		},
	};
	return {
		request: async (name) => {
			asked.push(name);
			return answers[name]!() as never;
		},
		listen(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		dropToken: () => null,
	};
}

/** The first pane's picture in grey, one byte per block of `block` × `block` pixels, in base64. */
function greyBlocks(block: number): string {
	const canvas = stageElement.querySelector<HTMLCanvasElement>('canvas.video')!;
	const { data, width, height } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
	const columns = Math.floor(width / block);
	const rows = Math.floor(height / block);
	const sums = new Float64Array(columns * rows);
	for (let y = 0; y < rows * block; y++) {
		const row = Math.floor(y / block) * columns;
		for (let x = 0; x < columns * block; x++) {
			const at = 4 * (y * width + x);
			const grey = 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
			sums[row + Math.floor(x / block)]! += grey;
		}
	}
	return btoa(Array.from(sums, (sum) => String.fromCharCode(Math.round(sum / (block * block)))).join(''));
}

const painted = () =>
	Number(stageElement.querySelector<HTMLElement>('[data-frame-index]')!.dataset['frameIndex'] || -1);

/** Resolves when the requested frame is on screen. */
async function settled(): Promise<number> {
	for (;;) {
		flushSync();
		if (current && painted() === current.player.frameIndex) return painted();
		await new Promise((resolve) => setTimeout(resolve, 2));
	}
}

/** Records all frames painted from now on, in order, until stopped. */
function watch(): { seen: number[]; stop: () => number[] } {
	const seen: number[] = [];
	const root = stageElement.querySelector<HTMLElement>('[data-frame-index]')!;
	const observer = new MutationObserver(() => seen.push(painted()));
	observer.observe(root, { attributeFilter: ['data-frame-index'] });
	return {
		seen,
		stop: () => {
			observer.disconnect();
			return seen;
		},
	};
}

/** Each pane's picture as text: equal texts are equal pictures. */
function paneHashes(): string[] {
	const canvases = stageElement.querySelectorAll<HTMLCanvasElement>('canvas.video');
	return Array.from(canvases, (canvas) => canvas.toDataURL());
}

const harness = {
	open,
	close,
	settled,
	watch,
	painted,
	greyBlocks,
	paneHashes,
	asked,
	counts,
	get player() {
		return current!.player;
	},
};
export type Harness = typeof harness;
Object.assign(window, { harness });

import type { CameraPath } from '../domain/camera-path.ts';
import { assert } from '../domain/errors.ts';
import type { NamedArrays } from '../domain/named-arrays.ts';
import { apart, AT_REST, type Placement } from '../domain/placement.ts';
import { rollGrid } from '../domain/roll-grid.ts';
import { tokenCount, type TokenGrid } from '../domain/tokens.ts';
import type { FramePixels } from '../pixels/frame-pixels.ts';
import { type Brightness, fitBrightness } from './brightness.ts';
import { PathOfCamera } from './path-of-camera.ts';
import { Registration } from './registration.ts';

export type CameraSetting = 'auto' | 'fixed' | 'moving';

/** Side of a token, in pixels. */
const SQUARE = 16;
/** Pixels that the view may lie beside the frame before it rolls by a token; more than half a token, or it would roll to and fro. */
const ROLL_AT = 10;
/** Growth and spin from which on the scene is anchored anew. */
const MOST_GROWTH = 0.03;
const MOST_SPIN = 0.03;
/** Pixels that a frame must have moved by, at least, to be placed anew: less is the noise of registration. */
const LEAST_STEP = 0.06;
/** Pixels against the watched frame from which on a camera moves, and the frames in a row that must say so. */
const MOVES_FROM = 0.5;
const FRAMES_OF_EVIDENCE = 3;
/** Share of the patches that stand still where a camera does, whatever moves in front of it. */
const STANDING = 0.25;
/** Frames that a frame is watched for. */
const WATCH_FRAMES = 60;
/** Frames without motion, or without sure registration, after which a camera is fixed again. */
const STILL_FRAMES = 100;
const UNSURE_FRAMES = 5;

export type Followed = {
	/** By how many tokens everything moves through the view; null where nothing does. */
	rolled: { rows: number; cols: number } | null;
	/** Whether nothing that is remembered fits the frame: all is to be computed anew. */
	lost: boolean;
};

const UNMOVED: Followed = { rolled: null, lost: false };

/**
 * Decides for every frame how it lies in the scene that tokens are remembered of: where the camera looks, and how bright it is.
 * A camera that stands still is left alone, to the last bit: until several frames surely show a motion of the whole picture,
 * frames are only watched.
 */
export class SceneCamera {
	setting: CameraSetting;
	readonly #grid: TokenGrid;
	/** Null before the first frame, and where the view can't move. */
	#registration: Registration | null = null;
	readonly #path = new PathOfCamera();
	#following = false;
	#place: Placement = AT_REST;
	#velocity: Placement = AT_REST;
	/** Frames that the watched frame is old; −1 where there is none. */
	#watched = -1;
	#evidence = 0;
	#still = 0;
	#unsure = 0;
	#brightness: Brightness | null = null;
	/** Mean of each token's square when it was remembered; NaN = never. */
	readonly #means: Float32Array;

	constructor(grid: TokenGrid, setting: CameraSetting) {
		this.#grid = grid;
		this.setting = setting;
		this.#means = new Float32Array(tokenCount(grid)).fill(NaN);
	}

	/** Where the camera looks; null where it is fixed. */
	get path(): CameraPath | null {
		return this.#following ? this.#path.at(this.#place) : null;
	}

	/** The change of brightness that is taken out of the present frame before it is compared. */
	get brightness(): Brightness | null {
		return this.#brightness;
	}

	/** Finds the frame's place and brightness, and shows it there. Comes before change is measured. */
	follow(pixels: FramePixels): Followed {
		if (pixels.view.movable && this.setting !== 'fixed') {
			this.#registration ??= new Registration(this.#grid, pixels.view.picture);
		}
		const followed = this.#following ? this.#followOn(pixels) : this.#watch(pixels);
		this.#brightness = followed.lost ? null : fitBrightness(pixels.view.means(), this.#means);
		if (this.#brightness) pixels.view.adjust(this.#brightness.gain, this.#brightness.offset);
		return followed;
	}

	/** The whole frame is computed: it is shown as it is, and the scene is placed against it. */
	anchor(pixels: FramePixels): void {
		this.#brightness = null;
		if (this.#following) this.#path.anchor(this.#place);
		if (!pixels.view.movable || this.setting === 'fixed') {
			if (pixels.view.following) pixels.view.follow(false);
			this.#following = false;
			this.#place = AT_REST;
			return;
		}
		this.#registration ??= new Registration(this.#grid, pixels.view.picture);
		if (this.setting === 'moving') this.#following = true;
		// What a camera that stands still is watched against has nothing to do with what is computed.
		if (this.#following || this.#watched < 0) {
			const { data, stride } = pixels.view.luma();
			this.#registration.reference.load(data, stride);
			this.#registration.reference.rememberFrame();
			this.#watched = 0;
			this.#evidence = 0;
			this.#place = AT_REST;
		}
		if (pixels.view.following === this.#following) pixels.view.rest();
		else pixels.view.follow(this.#following);
	}

	/** `tokens[0..count)` have been computed from the frame as it is shown. */
	remember(pixels: FramePixels, tokens: Int32Array, count: number): void {
		const now = pixels.view.means();
		for (let i = 0; i < count; i++) this.#means[tokens[i]!] = now[tokens[i]!]!;
		if (!this.#following || !this.#registration || count === this.#means.length) return;
		const shown = tokens.subarray(0, count).filter((token) => pixels.view.windows.showsSquare(token));
		const cut = tokens.subarray(0, count).filter((token) => !pixels.view.windows.showsSquare(token));
		this.#registration.reference.remember(shown, shown.length, pixels.view.squares(shown, shown.length));
		this.#registration.reference.forget(cut, cut.length);
	}

	reset(): void {
		this.#following = false;
		this.#place = AT_REST;
		this.#velocity = AT_REST;
		this.#watched = -1;
		this.#evidence = 0;
		this.#still = 0;
		this.#unsure = 0;
		this.#brightness = null;
		this.#means.fill(NaN);
		this.#path.state = new PathOfCamera().state;
	}

	saveState(): NamedArrays {
		const size = this.#registration?.reference.size;
		const numbers = [
			size?.width ?? 0,
			size?.height ?? 0,
			Number(this.#following),
			...numbersOf(this.#place),
			...numbersOf(this.#velocity),
			this.#watched,
			this.#evidence,
			this.#still,
			this.#unsure,
			...this.#path.state,
		];
		return {
			'camera.numbers': Float64Array.from(numbers),
			'camera.means': this.#means.slice(),
			...this.#registration?.reference.saveState(),
		};
	}

	restoreState(state: NamedArrays): void {
		const { 'camera.numbers': numbers, 'camera.means': means } = state;
		assert(numbers instanceof Float64Array && means instanceof Float32Array, 'a snapshot holds the camera');
		const [width, height, following] = numbers as unknown as [number, number, number];
		this.#following = following === 1;
		this.#place = placementOf(numbers.subarray(3, 7));
		this.#velocity = placementOf(numbers.subarray(7, 11));
		const counts = numbers.subarray(11, 15) as unknown as [number, number, number, number];
		[this.#watched, this.#evidence, this.#still, this.#unsure] = counts;
		this.#path.state = numbers.subarray(15);
		this.#means.set(means);
		this.#registration = width > 0 ? new Registration(this.#grid, { width, height }) : null;
		this.#registration?.reference.restoreState(state);
	}

	/** A camera that has not moved: compares frames with one that is at most `WATCH_FRAMES` old. */
	#watch(pixels: FramePixels): Followed {
		const registration = this.#registration;
		if (!registration || this.setting === 'fixed') return UNMOVED;
		const { data, stride } = pixels.view.luma();
		registration.reference.load(data, stride);
		if (this.setting === 'moving') {
			this.#setOut(pixels, registration);
			return UNMOVED;
		}
		if (this.#watched < 0 || this.#watched >= WATCH_FRAMES) {
			registration.reference.rememberFrame();
			this.#watched = 0;
			this.#evidence = 0;
			return UNMOVED;
		}
		this.#watched++;
		const { centre } = registration;
		const glance = registration.glance(AT_REST);
		if (glance.sure && apart(glance.step, AT_REST, centre) < MOVES_FROM / 2) {
			this.#evidence = 0;
			this.#unsure = 0;
			return UNMOVED;
		}
		const found = registration.register(this.#evidence > 0 ? this.#place : AT_REST);
		const moved = apart(found.place, AT_REST, centre);
		const moves =
			found.sure && moved > MOVES_FROM && registration.agreeingAt(AT_REST, Math.min(1, moved / 2)) < STANDING;
		this.#unsure = found.sure ? 0 : this.#unsure + 1;
		this.#evidence = moves ? this.#evidence + 1 : 0;
		this.#place = moves ? found.place : AT_REST;
		if (this.#unsure >= FRAMES_OF_EVIDENCE) {
			this.#unsure = 0;
			this.#watched = -1;
		}
		if (this.#evidence >= FRAMES_OF_EVIDENCE) this.#setOut(pixels, registration);
		return UNMOVED;
	}

	/** From this frame on the camera is followed. Tokens that were remembered elsewhere count as changed, as they did before. */
	#setOut(pixels: FramePixels, registration: Registration): void {
		this.#path.anchor(this.#place);
		this.#place = AT_REST;
		this.#evidence = 0;
		this.#still = 0;
		this.#following = true;
		registration.reference.rememberFrame();
		pixels.view.follow(true);
	}

	/** A camera that is followed: places the frame against what is remembered. */
	#followOn(pixels: FramePixels): Followed {
		const registration = this.#registration;
		assert(registration, 'a camera that is followed is registered');
		if (this.setting === 'fixed') return { rolled: null, lost: true };
		const { data, stride } = pixels.view.luma();
		registration.reference.load(data, stride);
		const { gain, offset } = this.#brightness ?? { gain: 1, offset: 0 };
		let found = registration.register(sum(this.#place, this.#velocity), gain, offset);
		if (!found.sure && apart(this.#velocity, AT_REST, registration.centre) > 1) {
			registration.reference.load(data, stride); // its coarsest picture may have been adjusted
			found = registration.register(this.#place, gain, offset);
		}
		if (!found.sure) return this.#loseTrack(pixels, found.agreeing !== null);
		this.#unsure = 0;
		const step = apart(found.place, this.#place, registration.centre);
		const place = step < LEAST_STEP ? this.#place : found.place;
		this.#still = step < LEAST_STEP ? this.#still + 1 : 0;
		this.#velocity = step < LEAST_STEP ? AT_REST : difference(place, this.#place);
		this.#place = place;
		if (this.setting === 'auto' && this.#still >= STILL_FRAMES) return this.#standStill();
		if (Math.abs(place.grow) > MOST_GROWTH || Math.abs(place.spin) > MOST_SPIN)
			return { rolled: null, lost: true };
		const rolled = this.#roll(registration, pixels);
		pixels.view.show(this.#place);
		return { rolled, lost: false };
	}

	/** No motion is sure: the camera is taken to stand still, for some frames. What does not fit then counts as changed, or as a cut. */
	#loseTrack(pixels: FramePixels, somethingToSee: boolean): Followed {
		this.#velocity = AT_REST;
		this.#unsure++;
		if (this.#unsure < UNSURE_FRAMES || (this.setting === 'moving' && !somethingToSee)) {
			pixels.view.show(this.#place);
			return UNMOVED;
		}
		if (this.setting === 'auto') return this.#standStill();
		this.#unsure = 0;
		return { rolled: null, lost: true };
	}

	#standStill(): Followed {
		this.#path.anchor(this.#place);
		this.#place = AT_REST;
		this.#following = false;
		this.#watched = -1;
		this.#unsure = 0;
		this.#velocity = AT_REST;
		return { rolled: null, lost: true };
	}

	/** Moves everything by whole tokens once the view lies too far beside the frame. */
	#roll(registration: Registration, pixels: FramePixels): Followed['rolled'] {
		const tokens = (pixels: number) => (Math.abs(pixels) > ROLL_AT ? Math.round(pixels / SQUARE) : 0);
		const { x, y, grow, spin } = this.#place;
		const [cols, rows] = [tokens(x), tokens(y)];
		if (rows === 0 && cols === 0) return null;
		const [right, down] = [SQUARE * cols, SQUARE * rows];
		this.#place = {
			x: x - (1 + grow) * right + spin * down,
			y: y - (1 + grow) * down - spin * right,
			grow,
			spin,
		};
		registration.reference.roll(rows, cols);
		pixels.roll(rows, cols);
		rollGrid(this.#grid, this.#means, 1, rows, cols, NaN);
		this.#path.roll(rows, cols);
		return { rows, cols };
	}
}

function numbersOf({ x, y, grow, spin }: Placement): number[] {
	return [x, y, grow, spin];
}

function placementOf([x = 0, y = 0, grow = 0, spin = 0]: Iterable<number>): Placement {
	return { x, y, grow, spin };
}

function sum(a: Placement, b: Placement): Placement {
	return { x: a.x + b.x, y: a.y + b.y, grow: a.grow + b.grow, spin: a.spin + b.spin };
}

function difference(a: Placement, b: Placement): Placement {
	return { x: a.x - b.x, y: a.y - b.y, grow: a.grow - b.grow, spin: a.spin - b.spin };
}

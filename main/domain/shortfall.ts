import { formatClock } from './clock.ts';
import type { SettingEvent } from './run.ts';
import type { SettingValues } from './settings-table.ts';

/**
 * That a run agrees less with dense than is asked for: what the estimate says of the frames where it does. Mostly a budget is too
 * small for the scene.
 */
export type Shortfall = {
	/** Whether more tokens would help. The policy `quality` takes all that do; what it loses, reuse itself loses, as under a moving camera. */
	byBudget: boolean;
	/** Whether settings let the camera be followed, so that `camera=fixed` may come closer. */
	byCamera: boolean;
	/** The first frame of which the estimate says so, and its time in the clock of the file. */
	fromFrame: number;
	fromSeconds: number;
	/** The last such frame, and its time; null if the run's last frame is one. */
	toFrame: number | null;
	toSeconds: number | null;
	/** Whether it is so in all frames in between. */
	throughout: boolean;
	/** Mean of 1 − estimated agreement over these frames, 0 to 1. */
	loss: number;
	/**
	 * Share of the tokens that would have done, 0 to 1; null where the mode doesn't know. The lower quartile over these frames: what
	 * waits already has to be made up for as well, and would not be there if enough had been computed all along.
	 */
	sufficientShare: number | null;
};

/** What is looked at of a frame. */
export type EstimatedFrame = {
	frameIndex: number;
	timeSeconds: number;
	selectedTokens: number;
	sufficientTokens: number;
	/** Estimated, 0 to 1, with its upper bound; NaN = not estimated. */
	agreement: number;
	upper: number;
};

/** The estimate itself is that wide of what is asked for, as a multiple of the loss allowed, where its bounds leave both open. */
const CLEARLY = 2;
/** A shortfall that ends sooner is not worth a warning. */
const LEAST_SECONDS = 1;
/** The agreement asked for if a mode has no such setting, 0 to 1. */
const USUAL_AGREEMENT = 0.97;

/** The settings in force at a frame. `events`, changes of the first `settings`, are in frame order. */
export function settingsAt(
	settings: SettingValues,
	events: readonly SettingEvent[],
	frameIndex: number,
): SettingValues {
	let inForce = settings;
	for (const event of events) {
		if (event.frameIndex <= frameIndex) inForce = { ...inForce, ...event.settings };
	}
	return inForce;
}

/** The agreement with dense that settings ask for, 0 to 1. */
export function agreementAskedFor({ agreement }: SettingValues): number {
	return typeof agreement === 'number' ? agreement : USUAL_AGREEMENT;
}

/** Sums over some frames. */
type Tally = Pick<Shortfall, 'byBudget' | 'byCamera' | 'loss'> & {
	frames: number;
	first: EstimatedFrame;
	last: EstimatedFrame;
};

/** Whether a frame agrees less with dense than `asked`: as its bounds hold, or as is clearly more likely than not. */
function isShort({ agreement, upper }: EstimatedFrame, asked: number): boolean {
	return upper < asked || 1 - agreement > CLEARLY * (1 - asked);
}

/**
 * Looks for a shortfall in a run as it grows: frames that agree less with dense than is asked for, one after another for at
 * least a second.
 */
export class ShortfallWatch {
	readonly #tokens: number;
	/** The frames that count. */
	#all: Tally | null = null;
	/** Of these, how many need 0, 1, … tokens, where that is more than were computed. */
	readonly #sufficient: Uint32Array;
	/** Frames one after another that don't count yet. */
	#pending: EstimatedFrame[] = [];
	/** Whether the frame before was short, and counts. */
	#lasting = false;
	#interrupted = false;

	/** `tokens`: those of the grid. */
	constructor(tokens: number) {
		this.#tokens = tokens;
		this.#sufficient = new Uint32Array(tokens + 1);
	}

	/** Takes the next frame, with the settings in force. */
	add(frame: EstimatedFrame, settings: SettingValues): void {
		if (!isShort(frame, agreementAskedFor(settings))) {
			this.#pending = [];
			this.#lasting = false;
			return;
		}
		if (frame.selectedTokens >= this.#tokens) return; // audited, or a scene cut
		if (this.#lasting) {
			this.#count(frame, settings);
			return;
		}
		this.#pending.push(frame);
		if (frame.timeSeconds - this.#pending[0]!.timeSeconds < LEAST_SECONDS) return;
		if (this.#all) this.#interrupted = true;
		for (const short of this.#pending) this.#count(short, settings);
		this.#pending = [];
		this.#lasting = true;
	}

	/** What was found so far; null if nothing. */
	get shortfall(): Shortfall | null {
		if (!this.#all) return null;
		const { first, last, loss, frames, byBudget, byCamera } = this.#all;
		return {
			byBudget,
			byCamera,
			fromFrame: first.frameIndex,
			fromSeconds: first.timeSeconds,
			toFrame: this.#lasting ? null : last.frameIndex,
			toSeconds: this.#lasting ? null : last.timeSeconds,
			throughout: !this.#interrupted,
			loss: loss / frames,
			sufficientShare: byBudget ? this.#lowerQuartile(frames) : null,
		};
	}

	#count(frame: EstimatedFrame, { policy, camera }: SettingValues): void {
		const none = { frames: 0, loss: 0, byBudget: false, byCamera: false };
		const all = (this.#all ??= { ...none, first: frame, last: frame });
		if (policy !== 'quality') all.byBudget = true;
		if (camera === 'auto' || camera === 'moving') all.byCamera = true;
		all.frames++;
		all.loss += 1 - frame.agreement;
		all.last = frame;
		const { selectedTokens, sufficientTokens } = frame;
		if (sufficientTokens > selectedTokens) this.#sufficient[Math.min(sufficientTokens, this.#tokens)]!++;
	}

	/** The share that would have done in a quarter of the frames where that is known, if those are most of all `frames`. */
	#lowerQuartile(frames: number): number | null {
		const known = this.#sufficient.reduce((sum, count) => sum + count, 0);
		if (2 * known < frames) return null;
		let below = 0;
		return this.#sufficient.findIndex((count) => 4 * (below += count) >= known) / this.#tokens;
	}
}

/** The languages of the sentence. */
export type WarningLanguage = 'en' | 'ja';

/**
 * The sentence that says it, such as "At this budget an estimated 31 % of what dense shows is missing …"; and, where a dense run is
 * there to compare with, the `measured` agreement of the whole run, F1.
 */
export function shortfallSentence(
	shortfall: Shortfall,
	language: WarningLanguage,
	measured: number | null = null,
): string {
	const { byBudget, byCamera, fromSeconds, toSeconds, throughout } = shortfall;
	const [from, to] = [formatClock(fromSeconds, 1), toSeconds === null ? null : formatClock(toSeconds, 1)];
	const lost = Math.round(100 * shortfall.loss);
	const enough = perCentEnough(shortfall);
	if (language === 'ja') {
		const span = `${from} ${to === null ? '以降' : `から ${to} まで`}${throughout ? '' : '、断続的に'}`;
		const remedy = enough === null ? '' : `トークンの ${enough}% で足ります。`;
		const beside = measured === null ? '' : `全計算と比べた実測の一致度は ${measured.toFixed(3)} です。`;
		const setting = byBudget ? 'この予算では' : '足りるはずのトークンを計算しても';
		const other = byBudget || !byCamera ? '' : 'カメラを追っている場合は camera=fixed で近づきます。';
		return `${setting} ${span}、全計算で見えるものの推定 ${lost}% が欠けるかずれています。${remedy}${other}${beside}`;
	}
	const span = `${throughout ? '' : 'at times '}from ${from} ${to === null ? 'on' : `to ${to}`}`;
	const remedy = enough === null ? '' : `; ${enough} % of the tokens would do`;
	const beside =
		measured === null ? '' : ` Measured against the dense run: an agreement of ${measured.toFixed(3)}.`;
	const setting = byBudget ? 'At this budget' : 'With all the tokens that should do,';
	const other =
		byBudget || !byCamera ? '' : ' Where the camera is followed, camera=fixed comes closer, at more cost.';
	return `${setting} an estimated ${lost} % of what dense shows is missing or misplaced ${span}${remedy}.${other}${beside}`;
}

/** The same in a few English words, for a caption. */
export function shortfallCaption(shortfall: Shortfall): string {
	const enough = perCentEnough(shortfall);
	const remedy = enough === null ? '' : `, ${enough} % of the tokens would do`;
	const what = shortfall.byBudget ? 'budget too small' : 'reuse falls short';
	return `${what}: ${Math.round(100 * shortfall.loss)} % lost from ${formatClock(shortfall.fromSeconds, 1)}${remedy}`;
}

function perCentEnough({ sufficientShare }: Shortfall): number | null {
	return sufficientShare === null ? null : Math.ceil(100 * sufficientShare - 1e-9);
}

import type { NamedArrays } from '../domain/named-arrays.ts';
import type { FramePixels, Reduction, RunOutcome } from '../reduction/mode.ts';
import type { Detector } from './detector.ts';
import type { WasmFramePixels } from '../pixels/frame-pixels.ts';

/** What a family that runs in reduction modes adds to them. */
type Around<Outcome extends RunOutcome> = Pick<
	Detector<FramePixels, Outcome>,
	'classes' | 'letterbox' | 'grid' | 'provider' | 'threads' | 'interpret'
>;

/** A reduction at work, with the family's own view of pixels and outputs around it. */
export function bindReduction<Outcome extends RunOutcome>(
	reduction: Reduction<Outcome>,
	pixels: WasmFramePixels,
	family: Around<Outcome>,
): Detector<FramePixels, Outcome> {
	return {
		...family,
		denseMacs: reduction.denseMacs,
		get settings() {
			return reduction.settings;
		},
		get budgetMacs() {
			return reduction.budgetMacs;
		},
		get stateBytes() {
			return reduction.stateBytes + pixels.stateBytes;
		},
		changeSettings: (settings) => reduction.change(settings),
		reset: () => reduction.reset(),
		prepare(frame) {
			pixels.load(frame);
			return pixels;
		},
		select: (frame) => reduction.select(frame),
		run: (frame, selection) => reduction.run(frame, selection),
		observe: (milliseconds) => reduction.observe(milliseconds),
		saveState: (): NamedArrays => ({ ...pixels.saveState(), ...reduction.saveState() }),
		restoreState(state) {
			pixels.restoreState(state);
			reduction.restoreState(state);
		},
		release: () => reduction.release(),
	};
}

import type { SettingSpec } from '../../main/domain/settings-table.ts';

export type NumberSpec = Extract<SettingSpec, { kind: 'number' | 'integer' }>;

/** Number of slider positions. */
export const SLIDER_STEPS = 1000;
/** Ranges over more decades than this have a logarithmic scale. */
const LOGARITHMIC_RATIO = 500;
/** If the default is this close to a lower end of 0, small values get most of the slider. */
const CROWDED_SHARE = 0.05;

/** The scale of a slider: linear, logarithmic, or cubic. */
export function sliderKind(spec: NumberSpec): 'linear' | 'logarithmic' | 'cubic' {
	if (spec.min > 0 && spec.max / spec.min > LOGARITHMIC_RATIO) return 'logarithmic';
	if (spec.min === 0 && spec.default < CROWDED_SHARE * spec.max) return 'cubic';
	return 'linear';
}

/** The table's step; by default 1 for integers and a hundredth of the range for others. */
export function stepOf(spec: NumberSpec): number {
	return spec.step ?? (spec.kind === 'integer' ? 1 : (spec.max - spec.min) / 100);
}

/** Slider position, 0 to SLIDER_STEPS, of a value. */
export function toSlider(spec: NumberSpec, value: number): number {
	return Math.round(Math.min(Math.max(shareOf(spec, value), 0), 1) * SLIDER_STEPS);
}

/** The value at a slider position, on the grid of steps or rounded to two digits. */
export function fromSlider(spec: NumberSpec, position: number): number {
	const share = position / SLIDER_STEPS;
	switch (sliderKind(spec)) {
		case 'linear':
			return bounded(spec, spec.min + share * (spec.max - spec.min));
		case 'cubic':
			return bounded(spec, twoFigures(spec.max * share ** 3));
		case 'logarithmic':
			return clamp(spec, twoFigures(spec.min * (spec.max / spec.min) ** share));
	}
}

function shareOf(spec: NumberSpec, value: number): number {
	switch (sliderKind(spec)) {
		case 'linear':
			return (value - spec.min) / (spec.max - spec.min);
		case 'cubic':
			return Math.cbrt(value / spec.max);
		case 'logarithmic':
			return Math.log(value / spec.min) / Math.log(spec.max / spec.min);
	}
}

function twoFigures(value: number): number {
	return Number(value.toPrecision(2));
}

/** The value after one key press: a step further, or by a tenth on a logarithmic scale. */
export function nudged(spec: NumberSpec, value: number, direction: 1 | -1): number {
	if (sliderKind(spec) === 'logarithmic') {
		const ratio = Number((value * (direction > 0 ? 1.1 : 1 / 1.1)).toPrecision(3));
		return clamp(spec, spec.kind === 'integer' && ratio === value ? value + direction : ratio);
	}
	return bounded(spec, value + direction * stepOf(spec));
}

/** Clamped to the table's bounds, on its grid of steps. */
export function bounded(spec: NumberSpec, value: number): number {
	const step = stepOf(spec);
	const onGrid = spec.min + Math.round((value - spec.min) / step) * step;
	return clamp(spec, Number(onGrid.toPrecision(12)));
}

function clamp(spec: NumberSpec, value: number): number {
	const whole = spec.kind === 'integer' ? Math.round(value) : value;
	return Math.min(Math.max(whole, spec.min), spec.max);
}

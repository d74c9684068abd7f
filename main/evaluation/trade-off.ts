import { assert } from '../domain/errors.ts';

/** What a run costs and how right it is. */
export type TradeOffPoint = {
	label: string;
	/** Label of the whole run that it is measured against; null for whole runs. */
	reference: string | null;
	/** Means over the frames after the first one. */
	gmacPerFrame: number;
	msPerFrame: number;
	/** F1 with what the run is measured against, 0 to 1; null where there is nothing to compare. */
	agreement: number | null;
	/** Average precision at an overlap of 0.5, 0 to 1; null without truth. */
	ap50: number | null;
};

export const COSTS = ['gmacPerFrame', 'msPerFrame'] as const;
export type Cost = (typeof COSTS)[number];

/** Accuracy against cost, over some runs of one video. */
export type TradeOff = {
	/** By what the runs are judged: AP50 where all whole runs have one, else agreement. */
	measure: 'ap50' | 'agreement';
	/** How far below dense counts as near it, in points of 100. */
	withinPoints: number;
	points: readonly TradeOffPoint[];
	/** Labels of the runs that no other run beats in cost and accuracy at once, cheapest first. */
	front: Readonly<Record<Cost, readonly string[]>>;
	/** The setting that costs least of those that cost less than what they are measured against and are near it. */
	best: Readonly<Record<Cost, string | null>>;
};

export function tradeOff(points: readonly TradeOffPoint[], withinPoints = 1): TradeOff {
	const whole = points.filter(({ reference }) => reference === null);
	const measure = whole.length > 0 && whole.every(({ ap50 }) => ap50 !== null) ? 'ap50' : 'agreement';
	const both = (of: (cost: Cost) => readonly string[]) => ({
		gmacPerFrame: of('gmacPerFrame'),
		msPerFrame: of('msPerFrame'),
	});
	const near = both((cost) => nearDense(points, measure, withinPoints, cost));
	return {
		measure,
		withinPoints,
		points,
		front: both((cost) => paretoFront(points, measure, cost)),
		best: { gmacPerFrame: near.gmacPerFrame[0] ?? null, msPerFrame: near.msPerFrame[0] ?? null },
	};
}

/** One sentence: the cheapest setting near dense, by multiply-adds and by time, or that there is none. */
export function tradeOffSentence({ measure, withinPoints, points, best }: TradeOff): string {
	const named = measure === 'ap50' ? 'AP50' : 'agreement';
	const distance = `${withinPoints} ${withinPoints === 1 ? 'point' : 'points'}`;
	const told = (label: string, cost: Cost) => {
		const point = pointOf(points, label);
		const dense = pointOf(points, point.reference!);
		const [unit, digits] = cost === 'gmacPerFrame' ? (['GMAC', 2] as const) : (['ms', 1] as const);
		const accuracy = `${named} ${point[measure]!.toFixed(3)}`;
		const beside = measure === 'ap50' ? ` beside ${dense.ap50!.toFixed(3)}` : '';
		return `${label}, ${point[cost].toFixed(digits)} of ${dense[cost].toFixed(digits)} ${unit} a frame, ${accuracy}${beside}`;
	};
	const { gmacPerFrame: cheapest, msPerFrame: fastest } = best;
	if (cheapest === null && fastest === null) {
		return `No setting that costs less than dense is within ${distance} of its ${named}${closest(points, measure)}.`;
	}
	const parts: string[] = [];
	if (cheapest !== null)
		parts.push(`The cheapest setting within ${distance} of dense: ${told(cheapest, 'gmacPerFrame')}`);
	else parts.push(`No setting within ${distance} of dense takes fewer multiply-adds`);
	if (fastest === null) parts.push('none of these is faster than dense');
	else if (fastest === cheapest) parts.push(`also the fastest (${milliseconds(points, fastest)})`);
	else parts.push(`the fastest: ${told(fastest, 'msPerFrame')}`);
	return `${parts.join('; ')}.`;
}

function milliseconds(points: readonly TradeOffPoint[], label: string): string {
	const point = pointOf(points, label);
	const dense = pointOf(points, point.reference!);
	return `${point.msPerFrame.toFixed(1)} of ${dense.msPerFrame.toFixed(1)} ms`;
}

function closest(points: readonly TradeOffPoint[], measure: TradeOff['measure']): string {
	const judged = points.filter((point) => point.reference !== null && point[measure] !== null);
	const [first] = judged.sort((a, b) => b[measure]! - a[measure]!);
	return first ? `; the closest is ${first.label} (${first[measure]!.toFixed(3)})` : '';
}

/** Labels of the settings near what they are measured against that cost less than it, cheapest first. */
function nearDense(
	points: readonly TradeOffPoint[],
	measure: TradeOff['measure'],
	withinPoints: number,
	cost: Cost,
): string[] {
	return points
		.filter((point) => {
			if (point.reference === null || point[measure] === null) return false;
			const dense = pointOf(points, point.reference);
			const own = measure === 'agreement' ? 1 : dense.ap50!;
			// Points that are exactly as far away as is allowed are near, whatever rounding says.
			const isNear = point[measure] >= own - withinPoints / 100 - 1e-9;
			return isNear && point[cost] < dense[cost];
		})
		.sort((a, b) => a[cost] - b[cost])
		.map(({ label }) => label);
}

function paretoFront(points: readonly TradeOffPoint[], measure: TradeOff['measure'], cost: Cost): string[] {
	const judged = points.filter((point) => point[measure] !== null);
	judged.sort((a, b) => a[cost] - b[cost] || b[measure]! - a[measure]!);
	let highest = -Infinity;
	return judged.flatMap((point) => {
		if (point[measure]! <= highest) return [];
		highest = point[measure]!;
		return [point.label];
	});
}

function pointOf(points: readonly TradeOffPoint[], label: string): TradeOffPoint {
	const point = points.find((one) => one.label === label);
	assert(point, 'a run is measured against one of the points');
	return point;
}

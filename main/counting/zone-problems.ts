import type { Size } from '../domain/video.ts';
import type { CountingLine, Point, Zone, ZoneSet } from '../domain/zones.ts';
import { crossingEdges, isInside, polygonArea, segmentsMeet } from './geometry.ts';

/** What makes a zone or a line count nothing, or nothing that means something. */
export type ZoneProblem = { id: string; name: string } & (
	| /** Edges that cross or touch, by the numbers of the corners, from 1, that they begin with. */
	  { kind: 'self-crossing'; edges: readonly [number, number] }
	  /** A zone of less than a square pixel. */
	| { kind: 'no-area' }
	/** A line of less than a pixel. */
	| { kind: 'no-length' }
	/** A zone or a line that no part of the picture shows. */
	| { kind: 'outside'; pictureSize: Size }
);

export type ZoneLanguage = 'en' | 'ja';

/** All problems, zones first; empty where everything can be counted. */
export function zoneProblems({
	pictureSize,
	zones,
	lines,
}: Pick<ZoneSet, 'pictureSize' | 'zones' | 'lines'>): ZoneProblem[] {
	return [
		...zones.flatMap((zone) => problemOfZone(zone, pictureSize) ?? []),
		...lines.flatMap((line) => problemOfLine(line, pictureSize) ?? []),
	];
}

function problemOfZone({ id, name, points }: Zone, pictureSize: Size): ZoneProblem | null {
	const crossing = crossingEdges(points);
	if (crossing) return { id, name, kind: 'self-crossing', edges: [crossing[0] + 1, crossing[1] + 1] };
	if (!(polygonArea(points) >= 1)) return { id, name, kind: 'no-area' };
	const corners = cornersOf(pictureSize);
	const meets = points.some((point, i) => meetsPicture(point, points[(i + 1) % points.length]!, corners));
	if (meets || isInside(points.flat(), ...corners[0])) return null;
	return { id, name, kind: 'outside', pictureSize };
}

function problemOfLine({ id, name, from, to }: CountingLine, pictureSize: Size): ZoneProblem | null {
	if (!(Math.hypot(to[0] - from[0], to[1] - from[1]) >= 1)) return { id, name, kind: 'no-length' };
	return meetsPicture(from, to, cornersOf(pictureSize)) ? null : { id, name, kind: 'outside', pictureSize };
}

type Corners = readonly [Point, Point, Point, Point];

function cornersOf({ width, height }: Size): Corners {
	return [
		[0, 0],
		[width, 0],
		[width, height],
		[0, height],
	];
}

function meetsPicture(from: Point, to: Point, corners: Corners): boolean {
	const isIn = ([x, y]: Point) => x >= 0 && y >= 0 && x <= corners[2][0] && y <= corners[2][1];
	return isIn(from) || corners.some((corner, i) => segmentsMeet(from, to, corner, corners[(i + 1) % 4]!));
}

/** One sentence that says what is wrong and how it is mended. */
export function zoneProblemSentence(problem: ZoneProblem, language: ZoneLanguage): string {
	return language === 'ja' ? japanese(problem) : english(problem);
}

function english(problem: ZoneProblem): string {
	const name = `“${problem.name}”`;
	switch (problem.kind) {
		case 'self-crossing':
			return (
				`${name}: edges that do not cross were expected (those from corners ${problem.edges[0]} and ${problem.edges[1]} do); ` +
				'move one of their corners, or draw two zones.'
			);
		case 'no-area':
			return `${name}: a zone with an area was expected (its corners lie on one line); move a corner.`;
		case 'no-length':
			return `${name}: a line with two different ends was expected (they are at one place); move an end.`;
		case 'outside': {
			const { width, height } = problem.pictureSize;
			return `${name}: a part within the picture of ${width}×${height} was expected (all of it lies outside); move it into the picture.`;
		}
	}
}

function japanese(problem: ZoneProblem): string {
	const name = `「${problem.name}」`;
	switch (problem.kind) {
		case 'self-crossing':
			return `${name}の辺が交差しています(頂点 ${problem.edges[0]} と ${problem.edges[1]} から始まる辺)。頂点を動かすか、二つのゾーンに分けてください。`;
		case 'no-area':
			return `${name}の頂点が一直線上にあり、面積がありません。頂点を動かしてください。`;
		case 'no-length':
			return `${name}の両端が同じ位置にあります。端を動かしてください。`;
		case 'outside': {
			const { width, height } = problem.pictureSize;
			return `${name}は ${width}×${height} の画面の外にあります。画面の中へ動かしてください。`;
		}
	}
}

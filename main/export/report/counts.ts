import { countPerClass } from '../../counting/class-counts.ts';
import { EVENT_KINDS } from '../../counting/events.ts';
import { middleOf } from '../../domain/zone-geometry.ts';
import { placesOf, type Point } from '../../domain/zones.ts';
import type { CountedRun } from '../counted-run.ts';
import { formatTime } from '../drawing/draw-overlay.ts';
import { html, join, type Html } from './html.ts';

/** Longer side of the sketch of zones, in CSS pixels. */
const SKETCH = 360;

/** What happened at the zones and lines of the main run: where they lie, counts per class, and how many events there are. */
export function countsSection(counted: CountedRun, label: string): Html {
	const { run, zones: drawn, paths, counting } = counted;
	const { zones, lines } = drawn;
	const counts = countPerClass(counting, zones.length, lines.length, paths.classIndices);
	const className = (index: number) => run.header.model.classes[index] ?? String(index);
	const lineRows = lines.flatMap(({ name }, i) =>
		counts.lines[i]!.length === 0
			? [[name, '–', '0', '0']]
			: counts.lines[i]!.map(({ classIndex, forwards, backwards }) => [
					name,
					className(classIndex),
					String(forwards),
					String(backwards),
				]),
	);
	const zoneRows = zones.flatMap(({ name }, i) => {
		const { most, mostFrame } = counting.occupancy[i]!;
		const crowd = most > 0 ? `${most}, frame ${mostFrame}` : '0';
		if (counts.zones[i]!.length === 0) return [[name, '–', '0', '0', '0', '0', '–', '–', crowd]];
		return counts.zones[i]!.map((count) => [
			name,
			className(count.classIndex),
			String(count.entered),
			String(count.left),
			String(count.appeared),
			String(count.disappeared),
			`${(count.dwellSeconds / Math.max(1, count.visits)).toFixed(1)} s`,
			`${count.longestSeconds.toFixed(1)} s`,
			crowd,
		]);
	});
	return html`<h2>Zones, lines and events</h2>
		<p class="muted">
			Of the run ${label}. An object is where the ${anchorWords(drawn.anchor)} of its box is. Looking from a
			line's start to its end, forwards is from left to right.
		</p>
		<div class="maps">${sketch(counted)}</div>
		${lines.length > 0 ? table(['line', 'class', 'forwards', 'backwards'], lineRows) : null}
		${zones.length > 0 ? table(['zone', 'class', 'entered', 'left', 'appeared', 'disappeared', 'mean stay', 'longest', 'most at once'], zoneRows) : null}
		${eventTable(counted)}`;
}

function eventTable({ counting: { events }, zones: { zones, lines } }: CountedRun): Html {
	const places = placesOf({ zones, lines });
	const rows = EVENT_KINDS.flatMap((kind, k) => {
		const own = Array.from({ length: events.count }, (_, row) => row).filter(
			(row) => events.kinds[row] === k,
		);
		if (own.length === 0) return [];
		const [first, last] = [own[0]!, own.at(-1)!];
		const at = (row: number) => {
			const place = places[events.places[row]!]?.name;
			const time = `${formatTime(events.timesSeconds[row]!)}, frame ${events.frameIndices[row]!}`;
			return place === undefined ? time : `${time}, ${place}`;
		};
		return [[kind, String(own.length), at(first), at(last)]];
	});
	return table(['event', 'how often', 'first', 'last'], rows);
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): Html {
	return html`<div class="scroll">
		<table>
			<thead>
				<tr>
					${join(heads.map((head) => html`<th scope="col">${head}</th>`))}
				</tr>
			</thead>
			<tbody>
				${join(
					rows.map(
						([first, ...cells]) =>
							html`<tr>
								<th scope="row">${first!}</th>
								${join(cells.map((cell) => html`<td>${cell}</td>`))}
							</tr>`,
					),
				)}
			</tbody>
		</table>
	</div>`;
}

function anchorWords(anchor: CountedRun['zones']['anchor']): string {
	return anchor === 'centre' ? 'centre' : `middle of the ${anchor} edge`;
}

/** Where zones and lines lie on the picture. */
function sketch({ zones: { zones, lines, pictureSize } }: CountedRun): Html {
	const { width, height } = pictureSize;
	const scale = SKETCH / Math.max(width, height);
	const at = ([x, y]: Point): Point => [x * scale, y * scale];
	const number = (value: number) => value.toFixed(1);
	const text = ([x, y]: Point, name: string) =>
		html`<text class="middle" x="${number(x)}" y="${number(y)}">${name}</text>`;
	const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
	return html`<figure class="map">
		<svg
			role="img"
			aria-label="Where zones and lines lie on the picture"
			width="${size.width}"
			height="${size.height}"
			viewBox="${`0 0 ${size.width} ${size.height}`}"
		>
			${join(
				zones.map(({ name, points }) => {
					const places = points.map(at);
					return html`<polygon
							class="zone"
							points="${places.map((place) => place.map(number).join(',')).join(' ')}"
						/>
						${text(middleOf(places), name)}`;
				}),
			)}
			${join(
				lines.map(({ name, from, to }) => {
					const [start, end] = [at(from), at(to)];
					return html`<line
							class="counting-line"
							x1="${number(start[0])}"
							y1="${number(start[1])}"
							x2="${number(end[0])}"
							y2="${number(end[1])}"
						/>
						<circle class="end" cx="${number(start[0])}" cy="${number(start[1])}" r="3" />
						${text([(start[0] + end[0]) / 2, (start[1] + end[1]) / 2 - 6], name)}`;
				}),
			)}
		</svg>
		<figcaption class="muted">Zones, and lines from their dot on</figcaption>
	</figure>`;
}

import { segmentsMeet } from '../../main/counting/geometry.ts';
import { zoneProblems, type ZoneProblem } from '../../main/counting/zone-problems.ts';
import type { ErrorData } from '../../main/domain/errors.ts';
import type { Size } from '../../main/domain/video.ts';
import { clampToPicture, emptyZones, movedWithin } from '../../main/domain/zone-geometry.ts';
import type { CountingLine, Point, Zone, ZoneSet } from '../../main/domain/zones.ts';
import type { HostApi } from '../../preload/contract.ts';
import type { FittedZones } from '../../preload/zones-contract.ts';
import { toErrorData } from '../api.ts';
import { textOfFile } from '../text-of-file.ts';
import type { Undo } from './undo.svelte.ts';

export type ShapeKind = 'zone' | 'line';
/** A zone or a line, as what both have. */
export type Shape = { id: string; name: string; kind: ShapeKind; points: readonly Point[] };

/** Pause after the last change before it is stored. */
const STORE_PAUSE_MS = 150;

/** What a person draws on the picture of one video. */
export class ZoneEditor {
	set: ZoneSet = $state.raw()!;
	/** The zone or line that keys and panels mean; null = none. */
	selected: string | null = $state(null);
	/** What is being drawn: its corners so far, and where the pointer is. */
	drawing: { kind: ShapeKind; points: readonly Point[]; pointer: Point | null } | null = $state.raw(null);
	/** Why the last thing that was tried was refused. */
	problem: ZoneProblem | null = $state.raw(null);
	/** Why the host did not read or store. */
	error: ErrorData | null = $state.raw(null);
	/** The size that the zones now shown were drawn on, if they were scaled. */
	scaledFrom: Size | null = $state.raw(null);
	templates: readonly string[] = $state.raw([]);
	readonly #host: HostApi;
	readonly #videoId: string;
	readonly #undo: Undo;
	/** Whether what is stored was answered. */
	#isKnown = true;
	#storing: ReturnType<typeof setTimeout> | null = null;
	/** The set as it was before a drag began. */
	#before: ZoneSet | null = null;

	constructor(host: HostApi, video: { videoId: string; info: { displaySize: Size } }, undo: Undo) {
		this.#host = host;
		this.#videoId = video.videoId;
		this.#undo = undo;
		this.set = emptyZones(video.info.displaySize);
	}

	get shapes(): Shape[] {
		return [
			...this.set.zones.map((zone): Shape => ({ ...zone, kind: 'zone' })),
			...this.set.lines.map(({ id, name, from, to }): Shape => ({
				id,
				name,
				kind: 'line',
				points: [from, to],
			})),
		];
	}

	/** Whether what is being drawn has corners enough. */
	get canFinish(): boolean {
		const { drawing } = this;
		return drawing !== null && drawing.points.length >= (drawing.kind === 'zone' ? 3 : 2);
	}

	get size(): Size {
		return this.set.pictureSize;
	}

	/** What was drawn before. Until it is known, nothing is changed: it would be written over. */
	async load(): Promise<void> {
		this.#isKnown = false;
		await this.#try(async () => {
			try {
				const stored = await this.#host.request('zones.get', { videoId: this.#videoId });
				this.#isKnown = true;
				if (stored) this.set = stored;
			} catch (reason) {
				// What was there is kept, and the picture free.
				this.#isKnown = toErrorData(reason).code === 'zones-set-aside';
				throw reason;
			} finally {
				this.templates = await this.#host.request('templates.list', {});
			}
		});
	}

	draw(kind: ShapeKind): void {
		this.drawing = { kind, points: [], pointer: null };
		this.selected = null;
		this.problem = null;
	}

	giveUp(): void {
		this.drawing = null;
		this.problem = null;
	}

	point(pointer: Point): void {
		if (this.drawing) this.drawing = { ...this.drawing, pointer: clampToPicture(pointer, this.size) };
	}

	/** Adds a corner to what is drawn; refused where its edge would cross another one. A line is done with its second. */
	corner(place: Point, newName: string): void {
		const { drawing } = this;
		if (!drawing) return;
		const corner = clampToPicture(place, this.size);
		const { points, kind } = drawing;
		const last = points.at(-1);
		if (last && Math.hypot(last[0] - corner[0], last[1] - corner[1]) < 1) return;
		if (kind === 'zone' && crossesPath(points, corner)) {
			this.problem = { id: '', name: newName, kind: 'self-crossing', edges: crossedEdge(points, corner) };
			return;
		}
		this.problem = null;
		this.drawing = { ...drawing, points: [...points, corner] };
		if (kind === 'line' && points.length === 1) this.finish(newName);
	}

	takeBackCorner(): void {
		if (this.drawing) this.drawing = { ...this.drawing, points: this.drawing.points.slice(0, -1) };
	}

	/** Ends drawing where there are corners enough; what counts nothing is refused, and drawing goes on. */
	finish(newName: string): void {
		const { drawing } = this;
		if (!drawing || !this.canFinish) return;
		if (this.#add(drawing.kind, newName, drawing.points)) this.drawing = null;
	}

	/** A zone or line in the middle of the picture, for who draws by keys. */
	addInMiddle(kind: ShapeKind, newName: string): void {
		const { width, height } = this.size;
		const at = (x: number, y: number): Point => [Math.round(x * width), Math.round(y * height)];
		const [l, r, t, b] = [0.35, 0.65, 0.35, 0.65];
		const points = kind === 'zone' ? [at(l, t), at(r, t), at(r, b), at(l, b)] : [at(l, 0.5), at(r, 0.5)];
		this.drawing = null;
		this.#add(kind, newName, points);
	}

	rename(id: string, name: string): void {
		const trimmed = name.trim().slice(0, 120);
		if (trimmed !== '') this.#change(this.#with(id, (shape) => ({ ...shape, name: trimmed })));
	}

	flip(id: string): void {
		this.#change(this.#with(id, (shape) => ({ ...shape, points: shape.points.toReversed() })));
	}

	remove(id: string): void {
		this.#change({
			...this.set,
			zones: this.set.zones.filter((zone) => zone.id !== id),
			lines: this.set.lines.filter((line) => line.id !== id),
		});
		if (this.selected === id) this.selected = null;
	}

	settle(change: Partial<Pick<ZoneSet, 'anchor' | 'hysteresis'>>): void {
		this.#change({ ...this.set, ...change });
	}

	moveCorner(id: string, corner: number, place: Point): void {
		const to = clampToPicture(place, this.size);
		this.#show(
			this.#with(id, (shape) => ({ ...shape, points: shape.points.map((p, i) => (i === corner ? to : p)) })),
		);
	}

	move(id: string, dx: number, dy: number, from = this.#shape(id)?.points): void {
		if (!from) return;
		const points = movedWithin(from, dx, dy, this.size);
		this.#show(this.#with(id, (shape) => ({ ...shape, points })));
	}

	/** A corner in the middle of the edge that begins at `corner`, or at `place`. */
	addCorner(id: string, corner: number, place: Point | null = null): void {
		this.#show(
			this.#with(id, (shape) => {
				const [a, b] = [shape.points[corner]!, shape.points[(corner + 1) % shape.points.length]!];
				const fresh = clampToPicture(place ?? [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], this.size);
				return { ...shape, points: shape.points.toSpliced(corner + 1, 0, fresh) };
			}),
		);
	}

	removeCorner(id: string, corner: number): void {
		const shape = this.#shape(id);
		if (!shape) return;
		if (shape.kind === 'line' || shape.points.length <= 3) return this.remove(id);
		this.#show(this.#with(id, (one) => ({ ...one, points: one.points.toSpliced(corner, 1) })));
		this.settleDrag();
	}

	/** Ends a drag or a step of keys: kept as one change, or taken back where it counts nothing. */
	settleDrag(): void {
		const before = this.#before;
		if (!before) return;
		this.#before = null;
		const after = this.set;
		const [problem] = zoneProblems(after);
		if (problem) {
			this.set = before;
			this.problem = problem;
			return;
		}
		this.set = before;
		this.#change(after);
	}

	/** Takes zones from a template or a file, in place of those that are there. */
	take({ zones, scaledFrom }: FittedZones): void {
		this.selected = null;
		this.drawing = null;
		this.#change(zones);
		this.scaledFrom = scaledFrom;
	}

	useTemplate(name: string): Promise<void> {
		return this.#try(async () =>
			this.take(await this.#host.request('templates.use', { name, videoId: this.#videoId })),
		);
	}

	storeTemplate(name: string): Promise<void> {
		return this.#try(async () => {
			this.templates = await this.#host.request('templates.store', { name, zones: this.set });
		});
	}

	deleteTemplate(name: string): Promise<void> {
		return this.#try(async () => {
			this.templates = await this.#host.request('templates.delete', { name });
		});
	}

	readFile(file: File): Promise<void> {
		return this.#try(async () => {
			const name = file.name.slice(0, 200);
			const text = await textOfFile(file);
			this.take(await this.#host.request('zones.read', { videoId: this.#videoId, name, text }));
		});
	}

	saveFile(name: string): Promise<void> {
		return this.#try(async () => {
			await this.#host.request('zones.save', { name: name.slice(0, 80), zones: this.set });
		});
	}

	#shape(id: string): Shape | undefined {
		return this.shapes.find((shape) => shape.id === id);
	}

	#add(kind: ShapeKind, name: string, points: readonly Point[]): boolean {
		const numbers = this.shapes.map((shape) => Number(/\d+$/.exec(shape.id)?.[0] ?? 0));
		const number = Math.max(0, ...numbers) + 1;
		const id = `${kind}-${number}`;
		const fresh = { id, name: `${name} ${this.shapes.filter((one) => one.kind === kind).length + 1}` };
		const next =
			kind === 'zone'
				? { ...this.set, zones: [...this.set.zones, { ...fresh, points }] }
				: { ...this.set, lines: [...this.set.lines, { ...fresh, from: points[0]!, to: points[1]! }] };
		const problem = zoneProblems(next).find((one) => one.id === id) ?? null;
		this.problem = problem;
		if (problem) return false;
		this.#change(next);
		this.selected = id;
		return true;
	}

	#with(id: string, change: (shape: Shape) => Shape): ZoneSet {
		const changed = (shape: Shape) => (shape.id === id ? change(shape) : shape);
		const zones = this.set.zones.map((zone): Zone => {
			const { name, points } = changed({ ...zone, kind: 'zone' });
			return { id: zone.id, name, points };
		});
		const lines = this.set.lines.map((line): CountingLine => {
			const { name, points } = changed({ ...line, kind: 'line', points: [line.from, line.to] });
			return { id: line.id, name, from: points[0]!, to: points[1]! };
		});
		return { ...this.set, zones, lines };
	}

	/** Shows what a drag has come to; `settleDrag` ends it. */
	#show(next: ZoneSet): void {
		this.#before ??= this.set;
		this.problem = null;
		this.set = next;
	}

	#change(next: ZoneSet): void {
		const before = this.set;
		if (JSON.stringify(before) === JSON.stringify(next)) return;
		if (!this.#isKnown) {
			void this.load();
			return;
		}
		this.problem = null;
		this.scaledFrom = null;
		this.#put(next);
		this.#undo.did({ undo: () => this.#put(before), redo: () => this.#put(next) });
	}

	#put(next: ZoneSet): void {
		this.set = next;
		if (!this.shapes.some(({ id }) => id === this.selected)) this.selected = null;
		if (this.#storing !== null) clearTimeout(this.#storing);
		this.#storing = setTimeout(() => {
			this.#storing = null;
			void this.#try(async () => {
				await this.#host.request('zones.set', { videoId: this.#videoId, zones: this.set });
			});
		}, STORE_PAUSE_MS);
	}

	async #try(work: () => Promise<void>): Promise<void> {
		try {
			await work();
			this.error = null;
		} catch (reason) {
			this.error = toErrorData(reason);
		}
	}
}

/** Whether an edge from the last corner to a new one would cross an earlier one. */
function crossesPath(points: readonly Point[], corner: Point): boolean {
	return crossedEdge(points, corner)[0] > 0;
}

/** The numbers, from 1, of the corners that the crossed edge and the new one begin with; 0 for none. */
function crossedEdge(points: readonly Point[], corner: Point): readonly [number, number] {
	const last = points.at(-1);
	for (let i = 0; last && i + 2 < points.length; i++) {
		if (segmentsMeet(points[i]!, points[i + 1]!, last, corner)) return [i + 1, points.length];
	}
	return [0, 0];
}

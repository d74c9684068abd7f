/** Something that was done and can be taken back: both ways leave the same plain data behind. */
export type Step = { undo: () => void; redo: () => void };

/** More than anybody takes back. */
const MOST_STEPS = 200;

/** What was done last, for Ctrl+Z, and what was taken back, for Ctrl+Shift+Z: one list for all that a person draws and edits. */
export class Undo {
	#past: readonly Step[] = $state.raw([]);
	#future: readonly Step[] = $state.raw([]);

	get canUndo(): boolean {
		return this.#past.length > 0;
	}

	get canRedo(): boolean {
		return this.#future.length > 0;
	}

	/** Notes a step that has been done. */
	did(step: Step): void {
		this.#past = [...this.#past, step].slice(-MOST_STEPS);
		this.#future = [];
	}

	undo(): void {
		const step = this.#past.at(-1);
		if (!step) return;
		this.#past = this.#past.slice(0, -1);
		this.#future = [...this.#future, step];
		step.undo();
	}

	redo(): void {
		const step = this.#future.at(-1);
		if (!step) return;
		this.#future = this.#future.slice(0, -1);
		this.#past = [...this.#past, step];
		step.redo();
	}

	clear(): void {
		this.#past = [];
		this.#future = [];
	}
}

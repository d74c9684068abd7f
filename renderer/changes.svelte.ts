/**
 * Makes data reactive that Svelte cannot observe, such as typed arrays that grow in place. The class that owns the data
 * calls `track` in every method that reads it, and `announce` after every change.
 */
export class Changes {
	#count = $state(0);

	track(): void {
		void this.#count;
	}

	announce(): void {
		this.#count++;
	}
}

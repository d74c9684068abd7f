/**
 * Tells Svelte of data that it cannot watch itself, such as typed arrays that grow in place. The class that owns the data
 * calls `track` in every method that reads them: what used the answer is worked out anew after `announce`.
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

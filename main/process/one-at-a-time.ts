/** Work that is done one piece after another, in the order in which it came. */
export class OneAtATime {
	#last: Promise<unknown> = Promise.resolve();

	/** Does `work` once what came before has ended, however that ended. */
	do<T>(work: () => Promise<T>): Promise<T> {
		const done = this.#last.then(work);
		this.#last = done.catch(() => undefined); // whoever asked for it gets the error
		return done;
	}
}

/** Something that writes files, and can be asked again in the same process. */
export type Session = {
	/** Throws where it can't write what matters. */
	act(): Promise<unknown>;
	close(): Promise<void>;
};

/** By part, what is stored, as plain data. Parts are written one after another. */
export type Found = Readonly<Record<string, unknown>>;

export type Writer = {
	title: string;
	/** What lies in `place` before. */
	prepare(place: string): Promise<void>;
	open(place: string): Promise<Session>;
	/** What a program finds that starts in `place` now. Throws where something is damaged. */
	find(place: string): Promise<Found>;
	/** Whether a failure may leave a part like this, which is neither as it was before nor as it was asked for. */
	mayBe?(found: unknown, before: unknown, after: unknown): boolean;
	/** Names of files that are gone on with where they end, or renamed: they may be others after a failure. */
	grows?: RegExp;
	/** It is a convenience: nobody has to be told that it could not be stored. */
	mayForget?: true;
	/** It saves time and nothing else: what is found is the same before and after. */
	isCache?: true;
};

export const nothing = () => Promise.resolve();

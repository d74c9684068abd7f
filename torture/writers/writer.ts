/** Something that writes files, and can be asked again in the same process. */
export type Session = {
	/** Throws where it can't write what matters. */
	act(): Promise<unknown>;
	/** Throws unless what was asked for is there, whole. */
	check(): Promise<void>;
	close(): Promise<void>;
};

export type Writer = {
	title: string;
	/** What lies in `place` before. */
	prepare(place: string): Promise<void>;
	open(place: string): Promise<Session>;
	/** Names of files that are gone on with where they end: they may be longer after a failure. */
	grows?: RegExp;
};

export const nothing = () => Promise.resolve();

export function expectSame(found: unknown, expected: unknown): void {
	const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
	if (a !== b) throw new Error(`${a.slice(0, 200)} is not ${b.slice(0, 200)}`);
}

import type { ErrorData } from '../domain/errors.ts';

/** The requests, news and outcome of one kind of worker; plain data. */
export type Exchange = { request: { type: string }; news: { type: string }; outcome: unknown };

/** The last report of a worker: how its work ended. */
export type LastReport<Outcome> =
	{ type: 'finished'; outcome: Outcome } | { type: 'failed'; error: ErrorData };

/** Anything that a worker reports to its host. */
export type Report<E extends Exchange> = E['news'] | LastReport<E['outcome']>;

export function isLast<E extends Exchange>(report: Report<E>): report is LastReport<E['outcome']> {
	return report.type === 'finished' || report.type === 'failed';
}

/** What is sent between the processes: a message and the version of its protocol. */
type Envelope<Message> = { sparsightProtocol: typeof PROTOCOL_VERSION; message: Message };

const PROTOCOL_VERSION = 1;

export function envelop<Message>(message: Message): Envelope<Message> {
	return { sparsightProtocol: PROTOCOL_VERSION, message };
}

/** The message of an envelope of our version; null for anything else that comes through the channel. */
export function openEnvelope<Message>(data: unknown): Message | null {
	const envelope = data as Partial<Envelope<Message>> | null | undefined;
	return envelope?.sparsightProtocol === PROTOCOL_VERSION ? (envelope.message ?? null) : null;
}

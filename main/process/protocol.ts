import type { ErrorData } from '../domain/errors.ts';

/** What one kind of worker is asked, what it tells on its way, and what its work comes to; plain data. */
export type Exchange = { request: { type: string }; news: { type: string }; outcome: unknown };

/** The end of a worker's work; the last that it tells. */
export type LastReport<Outcome> =
	{ type: 'finished'; outcome: Outcome } | { type: 'failed'; error: ErrorData };

/** Whatever a worker tells its host. */
export type Report<E extends Exchange> = E['news'] | LastReport<E['outcome']>;

export function isLast<E extends Exchange>(report: Report<E>): report is LastReport<E['outcome']> {
	return report.type === 'finished' || report.type === 'failed';
}

/** What travels between the processes: a message and the version of the protocol it is written in. */
type Envelope<Message> = { sparsightProtocol: typeof PROTOCOL_VERSION; message: Message };

const PROTOCOL_VERSION = 1;

export function envelop<Message>(message: Message): Envelope<Message> {
	return { sparsightProtocol: PROTOCOL_VERSION, message };
}

/** The message of an envelope in our version; null for anything else that comes through the channel. */
export function openEnvelope<Message>(data: unknown): Message | null {
	const envelope = data as Partial<Envelope<Message>> | null | undefined;
	return envelope?.sparsightProtocol === PROTOCOL_VERSION ? (envelope.message ?? null) : null;
}

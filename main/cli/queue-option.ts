import { type Pulse, pulseOf } from '../batch/claims.ts';
import type { RedisQueue, RedisQueueOptions } from '../batch/redis-queue.ts';
import { parseNumber } from './arguments.ts';

/** For commander. */
export const QUEUE_OPTION = [
	'--queue <address>',
	'Redis through which workers on other machines get jobs: redis://[user:password@]host[:port]',
] as const;
export const PATIENCE_OPTION = [
	'--patience <seconds>',
	'after how long without a sign of life a worker counts as dead, and its job goes to another one',
	'30',
] as const;

/** Throws bad-argument. */
export function parsePatience(text: string): Pulse {
	return pulseOf(1000 * parseNumber(text, '--patience', 0.5, 86_400));
}

/** Opens the queue on Redis; the client is loaded for those alone who use it. Throws `bad-argument`. */
export async function openQueue(address: string, options: RedisQueueOptions): Promise<RedisQueue> {
	const { RedisQueue } = await import('../batch/redis-queue.ts');
	return RedisQueue.open(address, options);
}

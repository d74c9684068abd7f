import { expect, it } from 'vitest';
import { RecentMap } from './recent-map.ts';

type Step = (map: RecentMap<string, number>) => void;

it.each<[string, Step[], string]>([
	['keeps as many as fit', [], 'abc'],
	['gives up the one put first', [(map) => map.set('d', 4)], 'bcd'],
	['keeps what was got', [(map) => map.get('a'), (map) => map.set('d', 4)], 'acd'],
	['keeps what was put again', [(map) => map.set('a', 9), (map) => map.set('d', 4)], 'acd'],
	['has room again after a deletion', [(map) => map.delete('b'), (map) => map.set('d', 4)], 'acd'],
	['asks in vain for what it has given up', [(map) => map.get('x'), (map) => map.set('d', 4)], 'bcd'],
])('%s', (_, steps, kept) => {
	const map = new RecentMap<string, number>(3);
	['a', 'b', 'c'].forEach((key, i) => map.set(key, i));
	for (const step of steps) step(map);
	const keys = ['a', 'b', 'c', 'd', 'x'].filter((key) => map.get(key) !== undefined);
	expect(keys.join('')).toBe(kept);
});

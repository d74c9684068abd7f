import { expect, it } from 'vitest';
import { socketUrl, toErrorData } from './api.ts';

it.each([
	['http://127.0.0.1:8123/', 'ws://127.0.0.1:8123/socket'],
	['https://host.example/sparsight/index.html#x', 'wss://host.example/sparsight/socket'],
])('the page at %s finds its host at %s', (href, url) => expect(socketUrl({ href })).toBe(url));

it.each([
	[
		'plain data',
		{ code: 'disk-full', message: 'm', remedy: 'r', stack: null },
		{ code: 'disk-full', message: 'm', remedy: 'r', stack: null },
	],
	[
		'an error without a code',
		Object.assign(new Error('m'), { stack: undefined }),
		{ code: 'internal', message: 'm', remedy: null, stack: null },
	],
	['something else', 'm', { code: 'internal', message: 'm', remedy: null, stack: null }],
])('a refusal that comes as %s keeps what it says', (_, reason, data) =>
	expect(toErrorData(reason)).toEqual(data),
);

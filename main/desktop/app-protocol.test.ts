import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerAppRequest } from './app-protocol.ts';
import { PAGE_ORIGIN, PAGE_URL } from './schemes.ts';
import { listStaticFiles, type StaticFile } from '../application/static-files.ts';

let folder: string;
let files: ReadonlyMap<string, StaticFile>;
beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'sparsight-page-'));
	mkdirSync(join(folder, 'page', 'assets'), { recursive: true });
	writeFileSync(join(folder, 'page', 'index.html'), '<!doctype html>');
	writeFileSync(join(folder, 'page', 'assets', 'main-12345678.js'), 'export {}');
	writeFileSync(join(folder, 'secret.js'), 'secret');
	files = await listStaticFiles(join(folder, 'page'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const ask = (url: string, method = 'GET') => answerAppRequest({ url, method }, files);

describe('app:', () => {
	it.each([
		['the page', PAGE_URL, 'text/html; charset=utf-8', '<!doctype html>'],
		['the page at its root', `${PAGE_ORIGIN}/`, 'text/html; charset=utf-8', '<!doctype html>'],
		['its parts', `${PAGE_ORIGIN}/assets/main-12345678.js`, 'text/javascript; charset=utf-8', 'export {}'],
	])('gives %s', async (_, url, type, text) => {
		const response = await ask(url);
		expect(response.status).toBe(200);
		expect(response.headers.get('content-type')).toBe(type);
		expect(await response.text()).toBe(text);
	});

	it('binds the page by a strict policy', async () => {
		const policy = (await ask(PAGE_URL)).headers.get('content-security-policy')!;
		const directives = new Map(policy.split('; ').map((one) => [one.split(' ')[0], one.split(' ').slice(1)]));
		expect(directives.get('default-src')).toEqual(["'none'"]);
		expect(directives.get('script-src')).toEqual(["'self'"]);
		expect(directives.get('connect-src')).toContain('media:');
		expect(directives.get('frame-ancestors')).toEqual(["'none'"]);
	});

	it.each([
		['a way up', `${PAGE_ORIGIN}/../secret.js`],
		['a hidden way up', `${PAGE_ORIGIN}/%2e%2e/secret.js`],
		['a hidden path', `${PAGE_ORIGIN}/..%2fsecret.js`],
		['a folder', `${PAGE_ORIGIN}/assets`],
		['another host', 'app://elsewhere/index.html'],
		['no address', 'nonsense'],
	])('has nothing at %s', async (_, url) => {
		expect((await ask(url)).status).toBe(404);
	});

	it('is read only', async () => {
		expect((await ask(PAGE_URL, 'POST')).status).toBe(405);
	});
});

import { expect, it } from 'vitest';
import { chosenMirror } from './addresses.ts';

it.each(['https://mirror.example/models', 'https://mirror.example/models/'])('a mirror at %s has files below it', (given) => {
	expect(chosenMirror(given)).toBe('https://mirror.example/models/');
});

it.each(['https://mirror.example/models?key=1', 'https://mirror.example/models#top'])('a mirror is not at %s', (given) => {
	expect(() => chosenMirror(given)).toThrow(`without "?" or "#" (got "${given}")`);
});

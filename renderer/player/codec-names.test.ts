import { describe, expect, it } from 'vitest';
import { codecName } from './codec-names.ts';

describe('codecName', () => {
	it.each([
		['hevc', 'HEVC'],
		['h264', 'H.264'],
		['msmpeg4v3', 'Microsoft MPEG-4 v3'],
		['cinepak', 'cinepak'],
	])('%s is called %s', (codec, name) => expect(codecName(codec)).toBe(name));
});

/** The encoding of a text by its byte order mark, which `TextDecoder` leaves out; UTF-8 where it begins with none of UTF-16. */
export function markedEncoding([first, second]: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
	if (first === 0xff && second === 0xfe) return 'utf-16le';
	if (first === 0xfe && second === 0xff) return 'utf-16be';
	return 'utf-8';
}

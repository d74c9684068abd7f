import { markedEncoding } from '../main/domain/byte-order-mark.ts';

/** The text of a file that a person chose: in UTF-8, or in UTF-16 with a byte order mark, as editors on Windows leave it. */
export async function textOfFile(file: File): Promise<string> {
	const bytes = new Uint8Array(await file.arrayBuffer());
	return new TextDecoder(markedEncoding(bytes)).decode(bytes);
}

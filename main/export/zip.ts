import { Zip, ZipPassThrough } from 'fflate';

/**
 * The bytes of a zip archive, file by file, uncompressed. Whoever cancels throws into the generator, which `yield*` would hand on to
 * an array that can't take it.
 */
export async function* archiveOf(
	files: Iterable<FileOfZip> | AsyncIterable<FileOfZip>,
): AsyncGenerator<Uint8Array> {
	const ready: Uint8Array[] = [];
	const zip = new Zip((error, bytes) => {
		if (error) throw error;
		ready.push(bytes);
	});
	for await (const { name, chunks } of files) {
		const entry = new ZipPassThrough(name);
		// A fixed date, so that the same run always gives the same archive.
		entry.mtime = new Date(1980, 0, 1);
		zip.add(entry);
		for await (const chunk of chunks) {
			// The archive takes the memory over, which a stream may use again.
			entry.push(chunk.slice());
			for (const bytes of ready.splice(0)) yield bytes;
		}
		entry.push(new Uint8Array(0), true);
		for (const bytes of ready.splice(0)) yield bytes;
		await new Promise(setImmediate);
	}
	zip.end();
	for (const bytes of ready.splice(0)) yield bytes;
}

type FileOfZip = { name: string; chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array> };

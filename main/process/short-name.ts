/** File systems take 255 bytes; partial files and suffixes of others need some of them. */
const MOST_NAME_BYTES = 200;

/** `name` and `ending` as a file name that every file system takes: of a name that is too long, its beginning. */
export function shortName(name: string, ending: string): string {
	const characters = [...name];
	while (characters.length > 0 && Buffer.byteLength(characters.join('') + ending) > MOST_NAME_BYTES)
		characters.pop();
	return characters.join('') + ending;
}

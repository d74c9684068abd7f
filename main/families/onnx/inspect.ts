import { UserFacingError } from '../../domain/errors.ts';
import { FileHashes } from '../../weights/file-hashes.ts';
import { ModelSource } from '../source.ts';
import { type OnnxFile, readOnnxFile } from './onnx-file.ts';
import type { Recognition } from './reading.ts';
import { recognize } from './signature.ts';

/** An ONNX file and all ways to read it: what a person chooses from. */
export type Inspection = {
	source: ModelSource;
	sha256: string;
	file: OnnxFile;
	recognition: Recognition;
};

/**
 * Reads an ONNX file and says how it can be read, without running it and whatever cards there are. Throws `model-not-found`, or
 * `model-unreadable` for what is no detector.
 */
export async function inspectOnnx(
	path: string,
	folders: { cache: string | null; cards: string | null },
): Promise<Inspection> {
	const source = await ModelSource.at(path, new FileHashes(folders.cache), folders.cards);
	if (!source.isGraph) {
		throw new UserFacingError(
			'model-unreadable',
			`${source.path} is not an ONNX file: a name that ends in .onnx was expected.`,
		);
	}
	const file = readOnnxFile(source.path);
	return { source, sha256: await source.sha256(), file, recognition: recognize(file) };
}

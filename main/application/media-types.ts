import { extname } from 'node:path';

export { VIDEO_NAMES } from '../video/file-names.ts';

/** File extensions of models, and of what lies in their folders. */
export const MODEL_NAMES = new Set(['onnx', 'safetensors', 'pth', 'pt', 'json']);
/** File extensions of ground truth. */
export const TRUTH_NAMES = new Set(['json', 'txt', 'csv', 'xml']);

const MEDIA_TYPES: Readonly<Record<string, string>> = {
	'.avi': 'video/x-msvideo',
	'.m4v': 'video/mp4',
	'.mkv': 'video/x-matroska',
	'.mov': 'video/quicktime',
	'.mp4': 'video/mp4',
	'.ogv': 'video/ogg',
	'.webm': 'video/webm',
};

/** The Content-Type of a video file, by its name. */
export function mediaType(path: string): string {
	return MEDIA_TYPES[extname(path).toLowerCase()] ?? 'application/octet-stream';
}

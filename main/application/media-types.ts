import { extname } from 'node:path';

const MEDIA_TYPES: Readonly<Record<string, string>> = {
	'.avi': 'video/x-msvideo',
	'.m4v': 'video/mp4',
	'.mkv': 'video/x-matroska',
	'.mov': 'video/quicktime',
	'.mp4': 'video/mp4',
	'.ogv': 'video/ogg',
	'.webm': 'video/webm',
};

/** What a file of a video is called in a Content-Type header, by its name. */
export function mediaType(path: string): string {
	return MEDIA_TYPES[extname(path).toLowerCase()] ?? 'application/octet-stream';
}

import { z } from 'zod';
import { zoneSetSchema } from '../counting/zone-file.ts';
import { UserFacingError } from '../domain/errors.ts';
import { videoViewSchema } from '../../preload/projects-contract.ts';
import { clockSchema } from './video-notes.ts';

export const PROJECT_EXTENSION = 'sparsight';

const FORMAT = 'sparsight-project';
const VERSION = 1;

const projectFileSchema = z.strictObject({
	format: z.literal(FORMAT),
	version: z.literal(VERSION),
	/** The video in front, among `videos`. */
	active: z.number().int().min(0),
	videos: z
		.array(
			z.strictObject({
				/** Where it lay when the project was saved. */
				path: z.string().min(1).max(4096),
				identity: z.strictObject({
					fileBytes: z.number().int().min(0),
					edgesSha256: z.string().regex(/^[0-9a-f]{64}$/),
				}),
				view: videoViewSchema.nullable(),
				zones: zoneSetSchema.nullable(),
				/** When it was recorded, as a person stated it. */
				clock: clockSchema.nullable(),
			}),
		)
		.min(1)
		.max(200),
});
export type ProjectFile = z.infer<typeof projectFileSchema>;
export type StoredVideo = ProjectFile['videos'][number];

/** A project out of a file's text; `place` names it in messages. Throws `project-unreadable`. */
export function parseProject(text: string, place: string): ProjectFile {
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch (error) {
		throw unreadable(`${place}: a project as JSON was expected (got ${(error as Error).message}).`);
	}
	const head = z.looseObject({ format: z.literal(FORMAT), version: z.number() }).safeParse(json);
	if (!head.success) {
		throw unreadable(`${place}: a project of Sparsight was expected (got a file of another kind).`);
	}
	if (head.data.version > VERSION) {
		throw unreadable(
			`${place}: a project of version ${VERSION} at most was expected (got version ${head.data.version}).`,
			'Open it with the Sparsight that saved it, or a newer one.',
		);
	}
	const parsed = projectFileSchema.safeParse(json);
	if (parsed.success) return parsed.data;
	const { path, message } = parsed.error.issues[0]!;
	throw unreadable(`${place}: ${path.join('.') || 'the file'} is not as projects have it (${message}).`);
}

export function projectToText(project: Omit<ProjectFile, 'format' | 'version'>): string {
	return `${JSON.stringify({ format: FORMAT, version: VERSION, ...project }, null, '\t')}\n`;
}

function unreadable(message: string, remedy = 'Choose a file that Sparsight saved.'): UserFacingError {
	return new UserFacingError('project-unreadable', message, { remedy });
}

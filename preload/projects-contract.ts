import { z } from 'zod';
import type { VideoEntry } from './video-entry.ts';

const id = z.string().regex(/^[a-z0-9-]{1,64}$/);
const frame = z.number().int().min(0);
const setting = z.union([z.number(), z.string().max(256), z.boolean()]);

/** How a video was left on the page. */
export const videoViewSchema = z.strictObject({
	panes: z
		.array(
			z.strictObject({
				runId: id.nullable(),
				/** What its next run will be made with. */
				draft: z.strictObject({
					modelId: z.string().max(64),
					mode: z.string().max(64),
					settings: z.record(z.string().max(64), setting),
				}),
			}),
		)
		.min(1)
		.max(4),
	activePane: frame.max(3),
	maximised: z.boolean(),
	frame,
	/** When that frame is shown, in the clock of the file: it can be decoded before all frames before it are known. */
	seconds: z.number().optional(),
	/** First and last frame of the range; null where it has no such end. */
	range: z.tuple([frame.nullable(), frame.nullable()]),
	/** Overlay, side panel and timeline: preferences by name; those that are unknown or out of range are left out. */
	look: z.record(z.string().max(64), z.union([setting, z.null()])),
});
export type VideoView = z.infer<typeof videoViewSchema>;

const projectSchema = z.strictObject({
	active: frame,
	/** Null: a video that was not shown yet. */
	videos: z
		.array(z.strictObject({ videoId: id, view: videoViewSchema.nullable() }))
		.min(1)
		.max(200),
});

/** Several videos, each where it was left, in one file. */
export const projectRequestSchemas = {
	/** Desktop: asks for a project's file; null if the user cancels. */
	'project.choose': z.strictObject({}),
	/** Desktop: a project's file that was dropped on the page. */
	'project.adopt': z.strictObject({ dropToken: z.string().max(64) }),
	/** Web host: the projects that were saved, newest first. */
	'project.list': z.strictObject({}),
	'project.open': z.strictObject({ projectId: id }),
	/** Takes a project out of the list of recent ones; the file stays. */
	'project.forget': z.strictObject({ projectId: id }),
	/**
	 * Writes a project; without an id, under a new name: the desktop asks where, and the answer is null if the user cancels.
	 * Zones and stated clocks of its videos go into it as they are.
	 */
	'project.save': z.strictObject({
		projectId: id.nullable(),
		name: z.string().trim().min(1).max(80),
		project: projectSchema,
	}),
	/** Takes another file for a video of a project that was not found; refused unless its content is the same. */
	'project.locate': z.strictObject({ projectId: id, missingId: id, videoId: id }),
} as const;

export type ListedProject = { projectId: string; name: string; folder: string };
/** One that was opened or saved before; it may be gone. */
export type RecentProject = ListedProject & { exists: boolean };
export type ProjectVideo = { entry: VideoEntry; view: VideoView | null };
/** A video whose entry does not exist was not found, where it was and beside the project. */
export type OpenedProject = ListedProject & { active: number; videos: ProjectVideo[] };

export type ProjectAnswers = {
	'project.choose': ListedProject | null;
	'project.adopt': ListedProject;
	'project.list': ListedProject[];
	'project.open': OpenedProject;
	'project.forget': null;
	'project.save': ListedProject | null;
	'project.locate': VideoEntry;
};

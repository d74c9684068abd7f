/** A video known to the host: from a dialog, a drop, the recent list, a named folder, or the command line. */
export type VideoEntry = { videoId: string; name: string; folder: string; exists: boolean };

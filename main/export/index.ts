import { UserFacingError } from '../domain/errors.ts';
import { annotatedVideo } from './annotated-video.ts';
import { arrow } from './arrow.ts';
import { clips } from './clips.ts';
import { coco } from './coco.ts';
import { csv } from './csv.ts';
import { eventsCsv, eventsJson } from './events.ts';
import type { ExportFormat } from './format.ts';
import { jsonLines } from './json-lines.ts';
import { mot } from './mot.ts';
import { objects } from './objects.ts';
import { presence } from './presence.ts';
import { redactedVideo } from './redacted-video.ts';
import { reportPdf } from './report-pdf.ts';
import { report } from './report.ts';
import { still } from './still.ts';
import { yolo } from './yolo.ts';

/** All formats that runs can be exported to. */
export const EXPORT_FORMATS: readonly ExportFormat[] = [
	annotatedVideo,
	redactedVideo,
	still,
	presence,
	report,
	reportPdf,
	csv,
	jsonLines,
	eventsCsv,
	eventsJson,
	clips,
	objects,
	coco,
	mot,
	yolo,
	arrow,
];

/** Throws `unknown-format`, naming the existing ones. */
export function exportFormat(id: string): ExportFormat {
	const format = EXPORT_FORMATS.find((one) => one.id === id);
	if (format) return format;
	const ids = EXPORT_FORMATS.map((one) => one.id).join(', ');
	throw new UserFacingError('unknown-format', `The export format must be one of ${ids} (got "${id}").`);
}

import type { Size } from '../domain/video.ts';
import type { OnnxCard } from '../families/onnx/card.ts';
import type { Probe } from '../families/onnx/probe.ts';
import type { Degree } from '../families/onnx/reading.ts';

/** What a person changed of a reading's card. */
export type CardChange = {
	/** Index of the reading. */
	reading: number;
	/** As `changeCard` takes them: `input.colour` and `bgr`. */
	fields: readonly (readonly [path: string, value: string])[];
	/** Text with names: one a line, a YAML file's `names:`, or JSON; null = those of the reading. */
	names: string | null;
};

/** Where a card can be stored: beside its file, or in the settings by the hash of the file. */
export type CardPlace = 'beside' | 'settings';

/** Everything that a process needs to look at a frame through the readings of a file; plain data. */
export type ProbeJob = {
	modelPath: string;
	cacheFolder: string;
	cardsFolder: string;
	videoPath: string;
	/** In the clock of the file; null = in the middle. */
	seconds: number | null;
	changes: readonly CardChange[];
	/** Whether nothing is run where the file or a card leaves no doubt. */
	unlessCertain: boolean;
	/** Null = as many as analyses take. */
	threads: number | null;
};

/** A reading of a file, with the changes made to it. */
export type SeenReading = {
	card: OnnxCard;
	/** Why it may be the right one, in English. */
	reason: string;
	/** What a frame says of it; null where nothing was run. */
	probe: SeenProbe | null;
};

export type SeenProbe = Omit<Probe, 'detections'> & {
	/** Of boxes that the card shows, best first: classes, scores, and corners in displayed pixels. */
	boxes: { classIndices: Uint16Array; scores: Float32Array; xyxy: Float32Array };
};

/** The frame that was looked at. */
export type SeenFrame = {
	seconds: number;
	/** Of the video, to choose another frame from; null where it states no duration. */
	span: { startSeconds: number; endSeconds: number } | null;
	displaySize: Size;
	/** Shrunk where that is needed for it to have at most a megabyte; rgb, three bytes a pixel. */
	picture: { data: Uint8Array; size: Size };
};

/** How a file can be read, and what each reading sees in a frame. */
export type ModelReadings = {
	degree: Degree;
	/** In English. */
	remarks: readonly string[];
	readings: readonly SeenReading[];
	/** Whether the first reading is a card that is stored already. */
	isSaved: boolean;
	/** Index of the plausible reading whose best boxes score most; null = none is, or nothing was run. */
	best: number | null;
	/** Whether it stands out from the others. */
	isClear: boolean;
	/** Whether the file leaves the size of its picture open. */
	isSizeOpen: boolean;
	/** Where a card can be stored, the usual place first. */
	places: readonly CardPlace[];
	/** Null where nothing was run. */
	frame: SeenFrame | null;
};

/** The protocol of a worker that looks at one frame and ends. */
export type ProbeExchange = {
	request: { type: 'start'; job: ProbeJob };
	news: never;
	outcome: ModelReadings;
};

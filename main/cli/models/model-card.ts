import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { UserFacingError } from '../../domain/errors.ts';
import type { OnnxCard } from '../../families/onnx/card.ts';
import type { OnnxFile } from '../../families/onnx/onnx-file.ts';
import type { Probe } from '../../families/onnx/probe.ts';
import type { Recognition } from '../../families/onnx/reading.ts';
import { GIGA } from '../../domain/cost.ts';
import { findModel } from '../../models/catalog.ts';
import { dataFolders } from '../../process/data-folders.ts';
import { probeVideo } from '../../video/probe.ts';
import { readOneFrame } from '../../video/read-one-frame.ts';
import { parseInteger } from '../arguments.ts';
import { collect } from '../analyze.ts';
import { EXIT } from '../exit-codes.ts';
import type { Session } from '../options.ts';

type ProbeWords = { contradictions(probe: Probe): string[]; describeFound(probe: Probe): string };
type Options = { video?: string; reading?: string; set: string[]; names?: string; save?: true; force?: true };

export function defineModelCard(command: Command): Command {
	return command
		.description('show how an ONNX file can be read, and write the card that settles it')
		.argument('<id or file.onnx>', 'a detector as an ONNX file, by its path or by the name that it was added under')
		.option('--video <file>', 'look at a frame of it through every reading')
		.option('--reading <n>', 'the reading to go by, counted from 1 (default: the best one)')
		.option(
			'--set <field=value>',
			'a field of the card, such as input.colour=bgr; may come more than once',
			collect,
			[],
		)
		.option('--names <file>', 'names of the classes: one a line, YAML or JSON')
		.option('--save', 'write the card beside the file, or into the settings where that is not permitted')
		.option('--force', 'with --save, replace a card that is there');
}

export async function modelCardCommand(path: string, options: Options, session: Session): Promise<number> {
	// Loads the runtime, which no other command needs in this process.
	const { inspectOnnx } = await import('../../families/onnx/inspect.ts');
	const { cardCost } = await import('../../families/onnx/host.ts');
	const { cardPlaces, changeCard } = await import('../../families/onnx/card.ts');
	const { readNames, withNames } = await import('../../families/onnx/class-names.ts');
	const { compareCards, ...words } = await import('../../families/onnx/probe.ts');
	const { createRuntime } = await import('../../runtime/onnx-runtime.ts');
	const place = await findModel(path, 'The file');
	const folders = dataFolders();
	const { source, sha256, file, recognition } = await inspectOnnx(place, folders);
	const { readings } = recognition;
	const earlier = cardPlaces(place, sha256, folders.cards).find((one) => existsSync(one));
	if (options.save && earlier !== undefined && !options.force) {
		throw new UserFacingError('bad-argument', `${earlier} is there already, and --save would replace it.`, {
			remedy: 'Say --force as well to replace it.',
		});
	}
	const changes = options.set.map(assignment);
	const names = options.names === undefined ? null : readNames(resolve(options.names));
	const finish = (card: OnnxCard) =>
		changeCard(names ? withNames(card, names, options.names!) : card, changes);
	const cards = readings.map(({ card }) => finish(card));
	const wanted =
		options.reading === undefined ? null : parseInteger(options.reading, '--reading', 1, readings.length) - 1;
	const comparison =
		options.video === undefined
			? null
			: await compareCards({ source, file }, cards, await readOneFrame(await probeVideo(resolve(options.video)), null), createRuntime(1));
	if (options.save && wanted === null && recognition.degree === 'ask' && !comparison?.isClear) {
		throw new UserFacingError(
			'bad-argument',
			`--save needs --reading: ${place} can be read in ${readings.length} ways${comparison ? ', and this frame does not tell them apart' : ''}.`,
			{ remedy: 'Look at them with --video, then choose one by its number.' },
		);
	}
	const chosen = wanted ?? (recognition.degree === 'certain' ? 0 : (comparison?.best ?? 0));
	const card = { ...cards[chosen]!, sha256 };
	const saved = options.save ? await save(card, place, folders.cards) : null;
	if (saved === null && earlier !== undefined) {
		session.console.note(`There is a card already, and the file is read by it: ${earlier}`);
	}
	const { macs, uncounted } = cardCost(file, card);
	const result = {
		file: describeFile(file),
		degree: recognition.degree,
		remarks: recognition.remarks,
		readings: readings.map(({ reason }, i) => ({
			reason,
			card: cards[i]!,
			probe: plain(comparison?.probes[i]),
		})),
		chosen: chosen + 1,
		isClear: comparison?.isClear ?? null,
		macs,
		uncounted,
		card,
		saved,
	};
	const cost = `${(macs / GIGA).toFixed(2)} GMAC a frame${uncounted.length > 0 ? `, without ${uncounted.join(', ')}` : ''}`;
	const lines = [
		describeText(file),
		cost,
		...describeReadings(recognition, cards, (comparison?.probes ?? []).map((probe) => describeProbe(probe, words))),
		...recognition.remarks.map((remark) => `remark: ${remark}`),
		`card of reading ${chosen + 1}:`,
		JSON.stringify(card, null, '\t'),
		...(saved === null ? [] : [`saved: ${saved}`]),
	];
	session.console.result(result, `${lines.join('\n')}\n`);
	return EXIT.ok;
}

/** Beside the file, or into the settings where that is not permitted. */
async function save(card: OnnxCard & { sha256: string }, path: string, folder: string): Promise<string> {
	const { saveCard } = await import('../../families/onnx/card.ts');
	try {
		return saveCard(card, { beside: path });
	} catch (error) {
		if (!(error instanceof UserFacingError) || error.code !== 'output-not-writable') throw error;
		return saveCard(card, { folder, sha256: card.sha256 });
	}
}

function assignment(word: string): [path: string, value: string] {
	const at = word.indexOf('=');
	if (at > 0) return [word.slice(0, at), word.slice(at + 1)];
	throw new UserFacingError(
		'bad-argument',
		`--set must be field=value, such as input.colour=bgr (got "${word}").`,
	);
}

function describeFile(file: OnnxFile) {
	const { path, bytes, producer, inputs, outputs, weightBytes, dataFiles } = file;
	const maps = { opsets: file.opsets, metadata: file.metadata, operators: file.operators };
	const objects = Object.fromEntries(
		Object.entries(maps).map(([name, map]) => [name, Object.fromEntries(map)]),
	);
	return { path, bytes, producer, inputs, outputs, weightBytes, dataFiles, ...objects };
}

function describeText({ path, producer, opsets, inputs, outputs, weightBytes, nodes }: OnnxFile): string {
	const ports = (list: OnnxFile['inputs']) =>
		list
			.map(
				({ name, type, dims }) => `${name} ${type} [${dims?.map((size) => size ?? '?').join(', ') ?? '?'}]`,
			)
			.join(', ');
	const weights = `${(weightBytes / 2 ** 20).toFixed(1)} MiB of weights, ${nodes.length} operators`;
	return `${path}\n${producer || 'unknown producer'}, opset ${opsets.get('') ?? '?'}, ${weights}\n${ports(inputs)} → ${ports(outputs)}`;
}

function describeReadings(
	{ degree, readings }: Recognition,
	cards: readonly OnnxCard[],
	probes: readonly string[],
): string[] {
	const lines = [`${degree}: ${readings.length === 1 ? 'one reading' : `${readings.length} readings`}`];
	readings.forEach(({ reason }, i) => {
		lines.push(`(${i + 1}) ${cards[i]!.title}: ${reason}`);
		const probe = probes[i];
		if (probe !== undefined) lines.push(`    ${probe}`);
	});
	return lines;
}

function describeProbe(probe: Probe, { contradictions, describeFound }: ProbeWords): string {
	if (probe.failure !== null) return probe.failure;
	const top = `best ten score ${probe.meanTopScore.toFixed(3)}`;
	return [`${describeFound(probe)}; ${top}`, ...contradictions(probe)].join('; ');
}

/** A probe with its boxes as plain lists. */
function plain(probe: Probe | undefined) {
	if (!probe) return null;
	const { detections, ...rest } = probe;
	const boxes = Array.from({ length: detections.count }, (_, i) => ({
		classIndex: detections.classIndices[i]!,
		score: detections.scores[i]!,
		box: detections.box(i),
	}));
	return { ...rest, boxes };
}

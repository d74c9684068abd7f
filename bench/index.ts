import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { benchCounting } from './counting.ts';
import { benchCounts, describeCounts } from './counts.ts';
import { benchBatch } from './batch.ts';
import { benchDetr } from './detr.ts';
import { describeLane } from './lanes.ts';
import { benchEventful } from './eventful.ts';
import { describeMachine } from './machine.ts';
import { benchMovingTracks, type MovingTracksRow } from './moving-tracks.ts';
import { benchMovingCamera, benchRegistration, type MovingCameraRow } from './moving-camera.ts';
import { benchOnnx } from './onnx.ts';
import { benchMemory } from './memory.ts';
import { benchPage } from './page/index.ts';
import { benchOpening } from './opening.ts';
import { benchPipeline, type Configuration } from './pipeline.ts';
import { benchPytorch } from './pytorch.ts';
import { benchQuality, describeQuality } from './quality.ts';
import { benchRunStage } from './run-stage.ts';
import { benchShvit } from './shvit.ts';
import { benchSparseDetr } from './sparse-detr.ts';
import { CANVASES } from './large-canvas.ts';
import { benchTiles, describeTiles } from './tiles.ts';
import { benchRedaction, describeLeaks } from './redaction.ts';
import { benchTracks, describeTracks } from './tracks.ts';
import { benchTransformer, describeTransformer, TRANSFORMERS, transformerAlone } from './transformers.ts';
import { wishesOrEnd } from './wishes.ts';
import { benchWindowedDetector, WINDOWED_DETECTORS } from './windowed-detectors.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const CLIP = join(ROOT, 'assets/samples/plaza.mp4');
const LOOKOUT = join(ROOT, 'models/lookout');
/** Lists of the tensors of published models. */
const MANIFESTS = join(ROOT, 'main/parity/fixtures');
const MEMORY_FRAMES = 10_000;

const CONFIGURATIONS: readonly Configuration[] = [
	{ label: 'dense', mode: 'dense', settings: {} },
	{ label: 'token cache 10 %', mode: 'token-cache', settings: { fraction: 0.1, audits: 0 } },
	{ label: 'token cache 5 %', mode: 'token-cache', settings: { fraction: 0.05, audits: 0 } },
];

/** Worth a line beside them; nothing is remembered, so that its memory and its pipeline have nothing to tell. */
const CLUSTERED: Configuration = { label: 'enact', mode: 'enact', settings: {} };

const { values, parts } = wishesOrEnd({ video: CLIP, out: join(ROOT, 'bench-output') });
const common = {
	videoPath: CLIP,
	modelPath: LOOKOUT,
	threads: Number(values.threads),
	configurations: CONFIGURATIONS,
};
const report: Record<string, unknown> = { machine: describeMachine(), threads: common.threads };
const say = (text: string) => process.stdout.write(`${text}\n`);

if (values.page !== undefined) {
	const worse = await benchPage({
		...common,
		rounds: Number(values.rounds),
		folder: values.page,
		against: values.against ?? null,
		tolerance: Number(values.tolerance),
		only: values.models?.split(',') ?? null,
		root: ROOT,
		say,
	});
	for (const sentence of worse) say(sentence);
	process.exit(worse.length > 0 ? 1 : 0);
}

say(`${report['machine'] ? JSON.stringify(report['machine']) : ''}, ${common.threads} threads, ${CLIP}`);
if (parts.includes('batch')) {
	const cost = await benchBatch({ ...common, root: ROOT, files: 100, frames: 50 });
	report['batch'] = cost;
	const beyond = (100 * (cost.batchSeconds / cost.runSeconds - 1)).toFixed(1);
	say(`batch of ${cost.files} files: ${cost.batchSeconds.toFixed(1)} s, ${beyond} % beyond their runs`);
}
if (parts.includes('run')) {
	const rows = await benchRunStage({
		...common,
		configurations: [...CONFIGURATIONS, CLUSTERED],
		frames: 150,
	});
	report['runStage'] = rows;
	say('\nrun stage (one process, configurations in turns of ten frames)');
	for (const row of rows) {
		say(
			`${row.label.padEnd(18)} ${row.tokens.toFixed(0).padStart(5)} tokens ${row.gmac.toFixed(2).padStart(6)} GMAC ` +
				`run ${row.runMs.toFixed(1).padStart(6)} ms  select ${row.selectMs.toFixed(2)} ms ` +
				`(${(100 * row.selectShare).toFixed(1)} % of run)  ${row.runSpeedup.toFixed(2)}× dense`,
		);
	}
}
if (parts.includes('quality')) {
	const { video: videoPath, truth } = values;
	const frames = Number(values.frames);
	const options = { videoPath, truthPath: truth ?? null, modelPath: LOOKOUT, threads: common.threads };
	const rows = await benchQuality({ ...options, frames });
	report['quality'] = { videoPath, rows };
	say(`\npolicies against dense on ${videoPath} (others: --video, --truth, --frames)`);
	for (const row of rows) say(describeQuality(row));
}
if (parts.includes('tiles')) {
	const { video: videoPath, truth: truthPath } = values;
	if (truthPath === undefined)
		say('\ntiles: skipped, for --truth names no ground truth of the people in --video');
	else {
		const tables = [];
		for (const canvas of CANVASES) {
			say(`\ntiles over ${videoPath} in a large picture: ${canvas.name} (one process, in turns)`);
			const frames = Math.min(Number(values.frames), canvas.mostFrames);
			const rows = await benchTiles(canvas, { ...common, videoPath, truthPath, frames });
			tables.push({ canvas: canvas.name, rows });
			for (const row of rows) say(describeTiles(row));
		}
		report['tiles'] = tables;
	}
}
if (parts.includes('pipeline')) {
	const rows = await benchPipeline({ ...common, rounds: Number(values.rounds) });
	report['pipeline'] = rows;
	say('\nwhole pipeline, file to stored result (own process each, rounds in turn)');
	for (const row of rows) {
		const { label, totalMs, stagesMs, framesPerSecond, ofSlowestStage } = row;
		const { runSpeedup, totalSpeedup, peakMemoryMib } = row;
		const stages = (['decode', 'prepare', 'select', 'run', 'interpret'] as const)
			.map((stage) => `${stage} ${stagesMs[stage].toFixed(1)}`)
			.join(' ');
		say(
			`${label.padEnd(18)} ${totalMs.toFixed(1).padStart(6)} ms (${stages}) ${framesPerSecond.toFixed(1)} frames/s, ` +
				`${(100 * ofSlowestStage).toFixed(0)} % of the slowest stage's rate, ` +
				`${runSpeedup.toFixed(2)}× dense in run, ${totalSpeedup.toFixed(2)}× in total, peak ${peakMemoryMib.toFixed(0)} MiB`,
		);
	}
}
if (parts.includes('pytorch')) {
	const result = await benchPytorch({
		referenceFolder: join(ROOT, 'tools/training'),
		modelPath: LOOKOUT,
		threads: common.threads,
		width: 768,
		height: 576,
	});
	const [dense] = await benchRunStage({ ...common, frames: 40, configurations: CONFIGURATIONS.slice(0, 1) });
	report['pytorch'] = { ...result, denseRunMs: dense?.runMs };
	say('\ndense against PyTorch');
	if ('skipped' in result) say(`skipped: ${result.skipped}`);
	else {
		const ratio = result.msPerFrame / dense!.runMs;
		say(
			`PyTorch ${result.version} ${result.msPerFrame.toFixed(0)} ms, here ${dense!.runMs.toFixed(0)} ms: ${ratio.toFixed(2)}×`,
		);
	}
}
if (parts.includes('memory')) {
	const rows = await benchMemory({
		...common,
		videoPath: values.video,
		frames: MEMORY_FRAMES,
		configurations: [{ label: 'token cache', mode: 'token-cache', settings: {} }],
	});
	report['memory'] = rows;
	say('\npeak memory of the worker');
	for (const row of rows)
		say(`${row.label.padEnd(18)} ${row.frames} frames: ${row.peakMemoryMib.toFixed(0)} MiB`);
}
if (parts.includes('opening')) {
	const { modelMib, rows } = await benchOpening({
		threads: common.threads,
		rounds: Number(values.rounds),
	});
	report['opening'] = { modelMib, rows };
	say(`\nopening YOLOS-small, ${modelMib.toFixed(0)} MiB of random weights (own process each)`);
	for (const { label, milliseconds, peakMib } of rows)
		say(
			`${label.padEnd(18)} ${milliseconds.toFixed(0).padStart(5)} ms  ` +
				`${peakMib.toFixed(0)} MiB, ${(peakMib / modelMib).toFixed(2)}× the weights, beyond an empty process`,
		);
}
if (parts.includes('onnx')) {
	const result = await benchOnnx({
		modelPath: values.model ?? null,
		threads: common.threads,
		rounds: Number(values.rounds),
	});
	report['onnx'] = result;
	const { fileMib, opening, plainMs, frameMs, ratio } = result;
	say(`\nan ONNX file of ${fileMib.toFixed(1)} MiB (opened in own processes)`);
	for (const { label, milliseconds, peakMib } of opening)
		say(
			`${label.padEnd(18)} open in ${milliseconds.toFixed(0).padStart(5)} ms  ${peakMib.toFixed(0)} MiB beyond an empty process`,
		);
	say(
		`the runtime's own run ${plainMs.toFixed(1)} ms, prepared frame to boxes ${frameMs.toFixed(1)} ms: ${ratio.toFixed(3)} times`,
	);
}
const laneOptions = { videoPath: CLIP, threads: common.threads, blocks: Number(values.rounds) };
if (parts.includes('detr')) {
	const rows = await benchDetr(join(MANIFESTS, 'enact/manifests'), laneOptions);
	report['detr'] = rows;
	say('\nDETR with and without ENACT at 800×1066, random weights (one process, in turns of three frames)');
	for (const row of rows) say(describeLane(row, 'plain'));
}
if (parts.includes('sparse-detr')) {
	const rows = await benchSparseDetr(join(MANIFESTS, 'sparse-detr/manifests'), laneOptions);
	report['sparseDetr'] = rows;
	say('\nSparse DETR (ResNet-50) at 800×1066, random weights (one process, in turns of three frames)');
	for (const row of rows) say(describeLane(row, 'keep 1'));
}
if (parts.includes('shvit')) {
	const result = await benchShvit({
		script: join(ROOT, 'bench/shvit.py'),
		threads: common.threads,
		rounds: Number(values.rounds),
	});
	report['shvit'] = result;
	const { ms, picturesPerSecond, pytorch } = result;
	say('\nSHViT-S4 at 256×256, one picture at a time, random weights');
	say(`here ${ms.toFixed(1)} ms, ${picturesPerSecond.toFixed(1)} pictures/s`);
	if ('skipped' in pytorch) say(`skipped: ${pytorch.skipped}`);
	else say(`PyTorch ${pytorch.version} ${pytorch.ms.toFixed(1)} ms: ${pytorch.ratio.toFixed(2)}×, in turn`);
}
if (parts.includes('transformers')) {
	const tables = [];
	for (const { title, plan, lanes } of TRANSFORMERS) {
		say(`\n${title}, random weights (one process, in turns)`);
		const rows = await benchTransformer(transformerAlone(plan), lanes, {
			threads: common.threads,
			rounds: Number(values.rounds),
		});
		tables.push({ title, rows });
		for (const row of rows) say(describeTransformer(row));
	}
	report['transformers'] = tables;
}
if (parts.includes('windowed-detectors')) {
	const tables = [];
	for (const published of WINDOWED_DETECTORS) {
		say(`\n${published.title}, end to end, random weights (one process, in turns)`);
		const table = await benchWindowedDetector(published, {
			script: join(ROOT, 'bench/windowed-detectors.py'),
			threads: common.threads,
			rounds: Number(values.rounds),
		});
		tables.push({ title: published.title, ...table });
		for (const row of table.rows) say(describeTransformer(row));
		for (const { part, gmac, ms } of table.parts)
			say(`  ${part.padEnd(16)} ${gmac.toFixed(2).padStart(7)} GMAC run ${ms.toFixed(1).padStart(7)} ms`);
		const { exported } = table;
		if ('skipped' in exported) say(`  skipped: ${exported.skipped}`);
		else
			say(
				`  what is behind the transformer, exported from PyTorch ${exported.version}, in plain onnxruntime: ` +
					`${exported.ms.toFixed(1)} ms; ours takes ${exported.ratio.toFixed(2)} times as long`,
			);
	}
	report['windowedDetectors'] = tables;
}
if (parts.includes('eventful')) {
	for (const variant of ['published', 'exact']) {
		const rows = await benchEventful({ threads: common.threads, rounds: Number(values.rounds), variant });
		report[`eventful-${variant}`] = rows;
		say(`\nViTDet-B at 672 px, eventful (${variant}), random weights (one process, in turns)`);
		for (const { label, gmac, runMs, stateMib, speedup } of rows) {
			say(
				`${label.padEnd(12)} ${gmac.toFixed(1).padStart(6)} GMAC run ${runMs.toFixed(0).padStart(5)} ms  ` +
					`state ${stateMib.toFixed(0).padStart(5)} MiB  ${speedup.toFixed(2)}× dense`,
			);
		}
	}
}
if (parts.includes('moving-camera')) {
	const registration = await benchRegistration(CLIP, 100);
	say(
		`\nregistration at 768×576: ${registration.median.toFixed(2)} ms a frame, 95 % within ${registration.most.toFixed(2)} ms`,
	);
	say('clips of a virtual camera of 480×368 (one process, in turns of ten frames)');
	const rows: MovingCameraRow[] = [];
	const options = { ...common, frames: Number(values.frames), truthPath: values.truth ?? null };
	for await (const row of benchMovingCamera(options)) {
		rows.push(row);
		const { source, motion, crf, label, share, agreement, ap50, pathError } = row;
		say(
			`${`${source}, ${motion}, crf ${crf}`.padEnd(28)} ${label.padEnd(14)} ${(100 * share).toFixed(1).padStart(5)} % of the tokens  ` +
				`agreement ${agreement.toFixed(3)}${ap50 === null ? '' : `  AP50 ${(100 * ap50).toFixed(1)}`}  ` +
				`run ${row.runMs.toFixed(1).padStart(6)} ms, ${row.runSpeedup.toFixed(2)}× dense  select ${row.selectMs.toFixed(2)} ms  ` +
				(pathError
					? `path within ${pathError.median.toFixed(2)} px, 95 % ${pathError.most.toFixed(2)} px`
					: 'fixed'),
		);
	}
	report['movingCamera'] = { registration, rows };
}
if (parts.includes('counting')) {
	const row = benchCounting({ frames: 1_000_000, tracks: 100_000, rounds: Number(values.rounds) });
	report['counting'] = row;
	say(
		`\ncounting ${row.tracks} made-up tracks of ${row.sightings} sightings in ${row.frames} frames, 5 zones and 5 lines: ` +
			`${row.countMs.toFixed(0)} ms for ${row.events} events; a filter over them and the next event ${row.searchMs.toFixed(0)} ms`,
	);
}
if (parts.includes('counts')) {
	const { video: videoPath, truth: truthPath } = values;
	if (truthPath === undefined)
		say('\ncounts: skipped, for --truth names no MOT text with the people of --video');
	else {
		const table = await benchCounts({ ...common, videoPath, truthPath });
		report['counts'] = table;
		say(`\ncounts of the default mode against ${truthPath}`);
		for (const line of describeCounts(table)) say(line);
	}
}
if (parts.includes('tracks')) {
	const { run: runPath, truth: truthPath } = values;
	if (runPath === undefined || truthPath === undefined)
		say('\ntracks: skipped, for --run and --truth name no stored run and no MOT text with its people');
	else {
		const script = join(ROOT, 'bench/tracks.py');
		const result = await benchTracks({ runPath, truthPath, script });
		report['tracks'] = result;
		say(`\ntracks of ${runPath} against ${truthPath}\n${describeTracks(result)}`);
	}
}
if (parts.includes('moving-tracks')) {
	const { truth: truthPath } = values;
	if (truthPath === undefined)
		say('\ntracks under a moving camera: skipped, for --truth names no MOT text with the people of --video');
	else {
		say(
			`\ntracks in clips that a moving camera takes of ${values.video}, with what is known of it and without`,
		);
		const rows = benchMovingTracks({
			...common,
			videoPath: values.video,
			truthPath,
			frames: Number(values.frames),
			script: join(ROOT, 'bench/tracks.py'),
		});
		const found: MovingTracksRow[] = [];
		report['movingTracks'] = found;
		for await (const row of rows) {
			found.push(row);
			say(`${row.motion} (followed in ${(100 * row.followed).toFixed(0)} % of the frames)`);
			say(`  with     ${describeTracks(row.following)}`);
			say(`  without  ${describeTracks(row.ignoring)}`);
		}
	}
}
if (parts.includes('redaction')) {
	const { run: runPath, truth: truthPath } = values;
	if (runPath === undefined || truthPath === undefined)
		say('\nredaction: skipped, for --run and --truth name no stored run and no MOT text with its people');
	else {
		const rows = await benchRedaction(runPath, truthPath);
		report['redaction'] = rows;
		say(`\nwho can be seen after a redaction of ${runPath}, against ${truthPath}`);
		for (const row of rows) say(describeLeaks(row));
	}
}
await mkdir(values.out, { recursive: true });
await writeFile(join(values.out, 'bench.json'), `${JSON.stringify(report, null, '\t')}\n`);

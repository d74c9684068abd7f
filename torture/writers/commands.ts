import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { makeClip } from '../../main/application/application.fixture.ts';
import { zonesToText } from '../../main/counting/zone-file.ts';
import { type ErrorData, errorFromData } from '../../main/domain/errors.ts';
import { storeSampleRun } from '../../main/export/run.fixture.ts';
import { trackEditsToText } from '../../main/tracking/edits-file.ts';
import { readTrackEdits } from '../../main/tracking/stored-edits.ts';
import { SOME_ZONES } from '../note-subjects.ts';
import { ENTRIES } from '../programs.ts';
import { nothing, type Writer } from './writer.ts';

/** Runs a command of the built command line in this process; throws what it fails by. */
async function sparsight(place: string, words: readonly string[]): Promise<void> {
	const { runCli } = (await import(/* @vite-ignore */ pathToFileURL(ENTRIES.commandLine).href)) as {
		runCli: (words: readonly string[]) => Promise<number>;
	};
	const signals = ['SIGINT', 'SIGTERM'] as const;
	const listening = signals.map((signal) => process.listeners(signal));
	const writes = [process.stdout, process.stderr].map((stream) => [stream, stream.write] as const);
	const home = process.env['SPARSIGHT_HOME'];
	let said = '';
	process.stdout.write = (text) => ((said += String(text)), true);
	process.stderr.write = () => true;
	process.env['SPARSIGHT_HOME'] = join(place, '..', 'home');
	try {
		if ((await runCli([...words, '--json'])) === 0) return;
	} finally {
		for (const [stream, write] of writes) stream.write = write;
		if (home === undefined) delete process.env['SPARSIGHT_HOME'];
		else process.env['SPARSIGHT_HOME'] = home;
		for (const [i, signal] of signals.entries())
			for (const listener of process.listeners(signal))
				if (!listening[i]!.includes(listener)) process.off(signal, listener);
	}
	throw errorFromData({ stack: null, ...(JSON.parse(said) as { error: Omit<ErrorData, 'stack'> }).error });
}

const EARLIER = 'an earlier one';

function compareWords(place: string): string[] {
	const runs = ['--run', 'dense', '--run', 'token-cache', '--provider', 'cpu', '--threads', '1'];
	return ['compare', join(place, 'clip.mp4'), ...runs, '--out', join(place, 'out'), '--resume'];
}

/** What commands write beside runs and exports. */
export const COMMAND_WRITERS: readonly Writer[] = [
	{
		title: 'sparsight count --events',
		prepare: async (place) => {
			await storeSampleRun(join(place, 'run'));
			writeFileSync(join(place, 'zones.json'), zonesToText(SOME_ZONES));
			writeFileSync(join(place, 'events.csv'), EARLIER);
		},
		open: (place) => {
			const [run, zones, events] = ['run', 'zones.json', 'events.csv'].map((name) => join(place, name));
			const words = ['count', run!, '--zones', zones!, '--events', events!];
			return Promise.resolve({ act: () => sparsight(place, words), close: nothing });
		},
		find: (place) => Promise.resolve({ events: readFileSync(join(place, 'events.csv'), 'utf8') }),
	},
	{
		title: 'sparsight compare',
		prepare: async (place) => {
			makeClip(join(place, 'clip.mp4'), 5);
			await sparsight(place, compareWords(place));
			writeFileSync(join(place, 'out', 'comparison.json'), EARLIER);
		},
		open: (place) => Promise.resolve({ act: () => sparsight(place, compareWords(place)), close: nothing }),
		find: (place) =>
			Promise.resolve({ comparison: readFileSync(join(place, 'out', 'comparison.json'), 'utf8') }),
	},
	{
		title: 'sparsight tracks --edits',
		prepare: async (place) => {
			await storeSampleRun(join(place, 'run'));
			for (const name of ['Ann', 'Ben'])
				writeFileSync(join(place, `${name}.json`), trackEditsToText([{ kind: 'rename', track: 1, name }]));
			await useEdits(place, 'Ben');
		},
		open: (place) => Promise.resolve({ act: () => useEdits(place, 'Ann'), close: nothing }),
		find: async (place) => ({ edits: await readTrackEdits(join(place, 'run')) }),
	},
];

const useEdits = (place: string, name: string) =>
	sparsight(place, ['tracks', join(place, 'run'), '--edits', join(place, `${name}.json`)]);

import { beforeEach, expect, it, vi } from 'vitest';
import type { AppDescription, OpenedVideo, VideoEntry } from '../../preload/contract.ts';
import type { VideoView } from '../../preload/projects-contract.ts';
import { Comparison } from './comparison.svelte.ts';
import { FakeHost, madeUpEntry, withRuns } from './fake-host.fixture.ts';
import { Project } from './project.svelte.ts';

const entry = (videoId: string): VideoEntry => ({ videoId, name: videoId, folder: '', exists: true });
const DRAFT = { modelId: 'lookout', mode: 'dense', settings: { k: 3 } };
const view = (frame: number): VideoView => ({
	panes: [{ runId: null, draft: DRAFT }],
	activePane: 0,
	maximised: false,
	frame,
	range: [null, null],
	look: {},
});

let host: FakeHost;
let project: Project;

beforeEach(() => {
	vi.useFakeTimers();
	host = new FakeHost()
		.answer('project.open', () => ({
			projectId: 'p',
			name: 'Gates',
			folder: '~/cases',
			active: 1,
			videos: [
				{ entry: entry('a'), view: view(1) },
				{ entry: entry('b'), view: view(2) },
			],
		}))
		.answer('project.save', ({ name }) => ({ projectId: 'p', name, folder: '~/cases' }));
	project = new Project(host);
	return () => vi.useRealTimers();
});

it('is saved some time after a change, once for many, and is marked until then', async () => {
	await project.open('p');
	project.note('b', view(2));
	expect(project.isChanged).toBe(false);
	for (const frame of [3, 4, 5]) project.note('b', view(frame));
	expect(project.isChanged).toBe(true);
	await vi.runAllTimersAsync();
	expect([project.isChanged, host.count('project.save')]).toEqual([false, 1]);
	const { input } = host.asked.at(-1)!;
	expect(input).toMatchObject({ project: { active: 1, videos: [{ view: view(1) }, { view: view(5) }] } });
});

it('stays marked where it could not be saved', async () => {
	await project.open('p');
	project.note('b', view(2));
	host.refuse('project.save', 'disk-full');
	project.note('b', view(3));
	await vi.runAllTimersAsync();
	expect([project.isChanged, project.error?.code]).toEqual([true, 'disk-full']);
});

it('writes nothing before it has a name; then videos that are opened join it', async () => {
	project.show(entry('a'));
	project.note('a', view(1));
	project.show(entry('b'));
	project.note('b', view(2));
	await vi.runAllTimersAsync();
	expect([host.count('project.save'), project.videos.length]).toEqual([0, 1]);
	await project.saveAs('Gates');
	project.show(entry('c'));
	expect(project.videos.map((video) => video.entry.videoId)).toEqual(['b', 'c']);
	project.show(entry('b'));
	expect([project.active, project.videos.length]).toEqual([0, 2]);
});

it('opens with a run that is gone said, and the others', async () => {
	const entryOf = (runId: string) => madeUpEntry(runId);
	const runs = withRuns(host, entryOf, () => 10);
	const app = {
		models: [{ id: 'lookout', name: 'Lookout', classes: [], modes: ['dense'] }],
		modes: [{ id: 'dense', title: '', description: '', settings: {} }],
		preferences: { modelId: 'lookout', mode: 'dense', modeSettings: {} },
	} as unknown as AppDescription;
	const comparison = new Comparison(runs, app, { videoId: 'a', runs: [entryOf('kept')] } as OpenedVideo);
	const panes = ['gone', 'kept', null].map((runId) => ({ runId, draft: DRAFT }));
	await comparison.restoreView({ ...view(0), panes, activePane: 1 });
	expect(comparison.panes.map(({ run, error }) => [run?.runId ?? null, error?.code ?? null])).toEqual([
		[null, 'project-run-gone'],
		['kept', null],
		[null, null],
	]);
	expect([comparison.activeIndex, comparison.panes[1]!.draft]).toEqual([1, DRAFT]);
});

it('gives up the video in front, keeps a way back, and saves both', async () => {
	const names = () => project.videos.map(({ entry: { videoId } }) => videoId);
	await project.open('p');
	project.show(entry('c'));
	project.active = 1;
	project.removeCurrent();
	expect([names(), project.current?.entry.videoId]).toEqual([['a', 'c'], 'c']);
	await vi.runAllTimersAsync();
	expect(host.asked.at(-1)).toMatchObject({
		input: { project: { active: 1, videos: [{}, { videoId: 'c' }] } },
	});
	project.putBack();
	expect([names(), project.current, project.removed]).toEqual([
		['a', 'b', 'c'],
		{ entry: entry('b'), view: view(2) },
		null,
	]);
	await vi.runAllTimersAsync();
	expect(host.count('project.save')).toBe(2);
});

it('keeps its last video, and puts none back twice', async () => {
	await project.open('p');
	project.removeCurrent();
	project.removeCurrent();
	expect(project.videos).toHaveLength(1);
	project.show(entry('b'));
	project.putBack();
	expect([project.videos.length, project.active]).toEqual([2, 1]);
});

it('comes to the top of the recent ones when it is opened or saved, and is marked there once it is gone', async () => {
	const known = (projectId: string) => ({ projectId, name: projectId, folder: '', exists: true });
	project = new Project(host, [known('q'), known('p')]);
	const shown = () => project.recent.map(({ name, exists }) => (exists ? name : `${name}, gone`));
	await project.open('p');
	expect(shown()).toEqual(['Gates', 'q']);
	host.refuse('project.open', 'file-not-found');
	await project.open('q');
	expect(shown()).toEqual(['Gates', 'q, gone']);
	host.answer('project.save', ({ name }) => ({ projectId: 'r', name, folder: '' }));
	await project.saveAs('Yard');
	expect(shown()).toEqual(['Yard', 'Gates', 'q, gone']);
	host.answer('project.forget', () => null);
	await project.forget('q');
	expect(shown()).toEqual(['Yard', 'Gates']);
	expect(host.count('project.forget')).toBe(1);
});

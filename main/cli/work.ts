import type { AnalysisNews } from '../analysis/protocol.ts';
import { WarmWorker } from '../analysis/warm-worker.ts';
import type { BatchJob } from '../batch/job.ts';
import type { WorkDependencies, WorkListener } from '../batch/work.ts';
import { type ExecutionRemark, executionSentence } from '../domain/execution-words.ts';
import { findModel } from '../models/catalog.ts';
import { dataFolders } from '../process/data-folders.ts';
import { type BatchDisplay, titleOf } from './batch-display.ts';
import type { Console } from './console.ts';
import { executionChoice, startAnalysisWorker } from './workers.ts';

/** What does the jobs of a queue in this process, and shows them. */
export function openWork(
	display: BatchDisplay,
	console: Console,
): { worker: WarmWorker; dependencies: WorkDependencies; listener: WorkListener } {
	const worker = new WarmWorker(startAnalysisWorker);
	const dependencies = {
		worker,
		choice: executionChoice(),
		findModel: (model: string) => findModel(model, 'the model of a batch'),
		cacheFolder: dataFolders().cache,
	};
	const listener: WorkListener = {
		onNews: (job, news) => showNews(display, job, news),
		onEnd: (job, outcome) => display.ended(job, outcome),
		onStderr: (text) => {
			if (console.verbose) process.stderr.write(text);
		},
	};
	return { worker, dependencies, listener };
}

function showNews(display: BatchDisplay, job: BatchJob, news: AnalysisNews | ExecutionRemark): void {
	switch (news.type) {
		case 'progress':
			display.progress(job, news.progress);
			break;
		case 'opened':
			if (news.framesStored > 0)
				display.note(`${titleOf(job)}: going on after ${news.framesStored} stored frames`);
			for (const remark of news.remarks) display.note(`${titleOf(job)}: ${remark}`);
			break;
		case 'frames':
		case 'settings-changed':
		case 'settings-refused':
			break;
		default:
			display.note(`${titleOf(job)}: ${executionSentence(news, 'en')}`);
	}
}

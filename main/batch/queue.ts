import type { BatchJob, JobOutcome, JobProgress } from './job.ts';

/** A job that this process is to do, and nobody else while the claim holds. */
export type Claim = {
	readonly job: BatchJob;
	/** Aborted when somebody else has taken the job over, since nothing was heard from here: whatever writes must stop. */
	readonly lost: AbortSignal;
	/** The folder to record the run in, with what earlier attempts have stored; null where the run is finished already. */
	begin(): Promise<string | null>;
	/** What others see of it at the next beat. */
	progressed(progress: JobProgress): void;
	/** Gives the finished run its place, or notes the failure. Does nothing where the claim was lost. */
	end(outcome: JobOutcome): Promise<void>;
	/** Leaves the job to whoever comes next, who goes on from what is stored; nothing writes to it any more. */
	release(): Promise<void>;
};

/** Jobs for any number of processes, each done once. */
export interface JobQueue {
	/** The next job that nobody does; null where there is none at the moment. */
	next(): Promise<Claim | null>;
	/** The file of a job that may come next; null where that is not known. */
	upcoming(): Promise<string | null>;
	/** Whether there will be none any more, so that whoever only works the queue off can end. */
	isDone(): Promise<boolean>;
	close(): Promise<void>;
}

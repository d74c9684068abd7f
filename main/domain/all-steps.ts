/** Takes all steps of some work at once; `inTurns` lets other work run in between. */
export function allSteps<Result>(steps: Generator<void, Result>): Result {
	for (;;) {
		const step = steps.next();
		if (step.done) return step.value;
	}
}

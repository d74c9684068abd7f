import { type Execution, ON_CPU, type Precision } from '../domain/execution.ts';
import { isSlow, type ProviderCheck } from './provider-checks.ts';

/** The provider whose tensors can stay on the device from frame to frame. */
const KEEPS_STATE = 'webgpu';
/** Modes that remember no tensors from frame to frame. */
const STATELESS = ['dense', 'motion'];
/** Modes that stay on the CPU, and why. */
const ON_CPU_ONLY: Readonly<Record<string, string>> = {
	enact: 'mode enact is made of operators that devices lack',
};

/**
 * Why a mode can't run on an execution provider in a precision, as a clause; null where it can.
 *
 * | provider                  | modes         | precision |
 * | ------------------------- | ------------- | --------- |
 * | cpu                       | all           | all       |
 * | webgpu                    | all but enact | float32   |
 * | dml, coreml, cuda, others | dense, motion | float32   |
 *
 * The runtime's binding holds tensors on a device for WebGPU only: with the others, a mode that remembers would copy its memory
 * both ways in every frame. Devices lack the integer products of int8, and operators of clustered attention.
 */
export function refusalOn(provider: string, mode: string, precision: Precision): string | null {
	if (provider === ON_CPU.provider) return null;
	if (precision !== ON_CPU.precision) return `${precision} is computed on the processor only`;
	if (ON_CPU_ONLY[mode] !== undefined) return ON_CPU_ONLY[mode];
	if (provider === KEEPS_STATE || STATELESS.includes(mode)) return null;
	return `mode ${mode} remembers tensors from frame to frame, which ${provider} can't keep (${STATELESS.join(' and ')} remember none)`;
}

/** What a mode can run on besides the CPU: the devices that work and are not made of software. */
export function devicesFor(
	checks: readonly ProviderCheck[],
	mode: string,
	precision: Precision = ON_CPU.precision,
): Execution[] {
	return checks
		.filter(isWorthwhile)
		.filter(({ name }) => refusalOn(name, mode, precision) === null)
		.map(({ name, attention }) => ({ provider: name, attention, precision }));
}

/** Whether a provider can be faster than the CPU. */
export function isWorthwhile(check: ProviderCheck): boolean {
	return check.works && check.name !== ON_CPU.provider && !isSlow(check);
}

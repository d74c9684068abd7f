import { type Execution, type ExecutionChange, ON_CPU } from './execution.ts';

/** The languages of the sentences. */
export type ExecutionLanguage = 'en' | 'ja';

/** What a person should know of where a run is computed. Times are of a frame, in milliseconds. */
export type ExecutionRemark =
	/** The providers are tried out, which takes longer than usual. */
	| { type: 'trying' }
	/** Speeds are measured that are not known yet. */
	| { type: 'measuring'; mode: string; provider: string }
	/** The fastest of several that were measured. */
	| { type: 'chosen'; provider: string; milliseconds: number; others: readonly Timed[] }
	/** Computing every frame whole is faster than what a mode saves: worth another mode. */
	| { type: 'dense-faster'; mode: string; best: Timed; dense: Timed }
	/** A provider that passed its checks, and failed when its speed was measured. */
	| { type: 'unmeasured'; mode: string; provider: string; reason: string }
	/** A mode or a precision that stays on the CPU though a device works; `reason` is a clause. */
	| { type: 'stays-on-cpu'; provider: string; reason: string }
	/** Operators of a network that run on the processor, though the others run on a device. */
	| { type: 'left-to-cpu'; provider: string; operators: readonly string[] }
	/** A run that began on a device goes on without it; `reason` is a sentence or a clause. */
	| { type: 'device-gone' | 'device-lost'; provider: string; reason: string };

export type Timed = { provider: string; milliseconds: number };

const NAMES: Readonly<Record<string, string>> = {
	webgpu: 'WebGPU',
	cuda: 'CUDA',
	tensorrt: 'TensorRT',
	dml: 'DirectML',
	coreml: 'Core ML',
};

/** How an execution provider is called. */
export function providerName(provider: string, language: ExecutionLanguage): string {
	if (provider !== ON_CPU.provider) return NAMES[provider] ?? provider;
	return language === 'ja' ? 'プロセッサー' : 'the processor';
}

/** Such as "WebGPU, attention spelled out; the processor from frame 120 on". */
export function executionWords(
	first: Execution,
	changes: readonly ExecutionChange[],
	language: ExecutionLanguage,
): string {
	const later = changes.map((change) =>
		language === 'ja'
			? `フレーム ${change.frameIndex} から${oneExecution(change, language)}`
			: `${oneExecution(change, language)} from frame ${change.frameIndex} on`,
	);
	return [oneExecution(first, language), ...later].join(language === 'ja' ? '、' : '; ');
}

function oneExecution({ provider, attention, precision }: Execution, language: ExecutionLanguage): string {
	const isJapanese = language === 'ja';
	return [
		providerName(provider, language),
		...(attention === 'plain' ? [isJapanese ? '分解したアテンション' : 'attention spelled out'] : []),
		...(precision === ON_CPU.precision ? [] : [precision]),
	].join(isJapanese ? '・' : ', ');
}

/** The sentence that says it. */
export function executionSentence(remark: ExecutionRemark, language: ExecutionLanguage): string {
	return language === 'ja' ? inJapanese(remark) : inEnglish(remark);
}

function inEnglish(remark: ExecutionRemark): string {
	const name = (provider: string) => providerName(provider, 'en');
	const timed = ({ provider, milliseconds }: Timed) => `${ms(milliseconds)} ms on ${name(provider)}`;
	switch (remark.type) {
		case 'trying':
			return 'Trying out once what this machine can run on.';
		case 'measuring':
			return `Measuring once how fast ${remark.mode} runs on ${name(remark.provider)}.`;
		case 'chosen':
			return `It runs on ${name(remark.provider)}: a frame takes ${ms(remark.milliseconds)} ms there, ${remark.others.map(timed).join(', ')}.`;
		case 'dense-faster': {
			const { mode, best, dense } = remark;
			return `Mode dense would be faster than ${mode} here: a frame takes ${timed(dense)}, and in ${mode}, with its usual settings, ${timed(best)}.`;
		}
		case 'unmeasured':
			return `${sentenceStart(name(remark.provider))} is left out, for ${remark.mode} failed there: ${clause(remark.reason)}.`;
		case 'stays-on-cpu':
			return `It runs on the processor though ${name(remark.provider)} works here: ${clause(remark.reason)}.`;
		case 'left-to-cpu':
			return `${sentenceStart(name(remark.provider))} leaves some operators to the processor: ${remark.operators.join(', ')}.`;
		case 'device-gone':
			return `The run goes on on the processor, for ${name(remark.provider)}, which it began on, does not work now: ${clause(remark.reason)}.`;
		case 'device-lost':
			return `${sentenceStart(name(remark.provider))} was lost, and the run goes on on the processor from its last stored state: ${clause(remark.reason)}.`;
	}
}

function inJapanese(remark: ExecutionRemark): string {
	const name = (provider: string) => providerName(provider, 'ja');
	const timed = ({ provider, milliseconds }: Timed) => `${name(provider)}で ${ms(milliseconds)} ms`;
	switch (remark.type) {
		case 'trying':
			return 'このマシンで使える実行先を一度だけ確認しています。';
		case 'measuring':
			return `${name(remark.provider)}での ${remark.mode} の速さを一度だけ測っています。`;
		case 'chosen':
			return `${name(remark.provider)}で実行します。1 フレームは ${ms(remark.milliseconds)} ms、${remark.others.map(timed).join('、')}です。`;
		case 'dense-faster': {
			const { mode, best, dense } = remark;
			return `ここでは ${mode} より dense の方が速くなります。1 フレームは dense が${timed(dense)}、標準設定の ${mode} が${timed(best)}です。`;
		}
		case 'unmeasured':
			return `${name(remark.provider)}では ${remark.mode} が動かないため使いません：${clause(remark.reason)}`;
		case 'stays-on-cpu':
			return `${name(remark.provider)}は使えますが、プロセッサーで実行します：${clause(remark.reason)}`;
		case 'left-to-cpu':
			return `${name(remark.provider)}にない演算はプロセッサーで計算します：${remark.operators.join('、')}`;
		case 'device-gone':
			return `開始時の${name(remark.provider)}が今は使えないため、プロセッサーで続けます：${clause(remark.reason)}`;
		case 'device-lost':
			return `${name(remark.provider)}が停止したため、保存済みの状態からプロセッサーで続けます：${clause(remark.reason)}`;
	}
}

function ms(milliseconds: number): string {
	return milliseconds.toFixed(milliseconds < 10 ? 1 : 0);
}

/** A sentence or a clause as the end of another one. */
function clause(text: string): string {
	return text.replace(/\.$/, '');
}

function sentenceStart(text: string): string {
	return text.charAt(0).toUpperCase() + text.slice(1);
}

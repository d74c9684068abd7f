import type { SetClock } from './recording-clock.ts';
import type { ClockRestart } from './video.ts';

const NAMED_FRAMES = 5;

/** That the file's own clock began again, where, and what times mean then. */
export function clockSentence(restarts: readonly ClockRestart[], language: 'en' | 'ja'): string {
	const named = restarts.slice(0, NAMED_FRAMES).map(({ frame }) => frame);
	const more = restarts.length - named.length;
	if (language === 'ja') {
		const others = more > 0 ? `ほか ${more} か所` : '';
		return `ファイルの時計がフレーム ${named.join('、')}${others} で始めに戻っています。時刻は前のフレームから続けて数えます。`;
	}
	const others = more > 0 ? ` and ${more} more` : '';
	return `The file's clock begins again at frame ${named.join(', ')}${others}; times go on from the frame before.`;
}

/** That a stated local time was skipped, and which one is next; or that it came twice, which one is taken, and how to state the other. */
export function setClockSentence(
	start: string,
	timeZone: string,
	set: SetClock,
	language: 'en' | 'ja',
): string {
	if (language === 'ja') {
		return set.kind === 'skipped'
			? `${timeZone} では時計が進められたため、${start} という時刻はありません。次の時刻は ${set.next} です。`
			: `${timeZone} では時計が戻されたため、${start} は 2 回あります。1 回目(${set.first})とみなします。2 回目は ${set.second} と書いてください。`;
	}
	return set.kind === 'skipped'
		? `${start} was skipped in ${timeZone}, as clocks were set forward; the next one is ${set.next}.`
		: `${start} came twice in ${timeZone}, as clocks were set back: the first is taken, ${set.first}. For the second, write ${set.second}.`;
}

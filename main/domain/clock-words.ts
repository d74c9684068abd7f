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

/** Something that was read in a way a person may not expect, or was not read. */
export type TruthRemark =
	/** The file names no classes: every box counts as a person. */
	| { kind: 'all-persons' }
	/** Boxes of classes that the benchmark of the format doesn't score. */
	| { kind: 'unscored-boxes'; count: number }
	/** Files beside the annotations that are none; one of them by name. */
	| { kind: 'other-files'; count: number; example: string }
	/** Names of pictures give no frame number by one pattern; the ids of the pictures stand for it. */
	| { kind: 'numbered-by-id' }
	/** What the first frame is called, where that was given. */
	| { kind: 'first-frame'; number: number };

/** How ground truth was read, and how much of it and of a run met. */
export type TruthCoverage = {
	/** The form that the file was read as; a name in every language. */
	truthForm: string;
	/** Frames that both the run and the truth have. */
	framesCounted: number;
	framesOfRun: number;
	framesOfTruth: number;
	remarks: readonly TruthRemark[];
};

/** The part of something larger, such as an evaluation. */
export function coverageOf(whole: TruthCoverage): TruthCoverage {
	const { truthForm, framesCounted, framesOfRun, framesOfTruth, remarks } = whole;
	return { truthForm, framesCounted, framesOfRun, framesOfTruth, remarks };
}

export type CoverageLanguage = 'en' | 'ja';

/**
 * What average precision was measured over: the first sentence says whether that is a part of the frames, the others what was
 * read otherwise than may be expected, or left out.
 */
export function coverageSentences(coverage: TruthCoverage, language: CoverageLanguage): string[] {
	const words = language === 'ja' ? JA : EN;
	return [words.frames(coverage), ...coverage.remarks.map((remark) => words.remark(remark))];
}

/** `coverageSentences` of several runs against one truth, a line for each run, or one for all that have the same frames. */
export function coverageOfRuns(
	runs: readonly { label: string; coverage: TruthCoverage }[],
	language: CoverageLanguage,
): string[] {
	const space = language === 'ja' ? '' : ' ';
	const said = runs.map(({ coverage }) => coverageSentences(coverage, language).join(space));
	return new Set(said).size <= 1 ? said.slice(0, 1) : said.map((text, i) => `${runs[i]!.label}: ${text}`);
}

const EN = {
	frames({ truthForm, framesCounted, framesOfRun, framesOfTruth }: TruthCoverage): string {
		if (framesCounted === framesOfRun && framesCounted === framesOfTruth) {
			return `Average precision (AP) is measured over all ${framesCounted} frames of the run and of the ground truth (read as ${truthForm}).`;
		}
		return `Average precision (AP) is measured over ${framesCounted} frames only, those that both the run (${framesOfRun} frames) and the ground truth (${framesOfTruth} frames, read as ${truthForm}) have.`;
	},
	remark(remark: TruthRemark): string {
		switch (remark.kind) {
			case 'all-persons':
				return 'The truth names no classes: every box counts as a person.';
			case 'unscored-boxes':
				return `${remark.count} boxes of classes that the benchmark doesn't score are left out.`;
			case 'other-files':
				return `${remark.count} other XML ${remark.count === 1 ? 'file' : 'files'} in the folder left out (${remark.example}).`;
			case 'numbered-by-id':
				return 'The names of the pictures give no frame numbers by one pattern: their ids were taken.';
			case 'first-frame':
				return `The truth's number ${remark.number} is the first frame, as given.`;
		}
	},
};

const JA: typeof EN = {
	frames({ truthForm, framesCounted, framesOfRun, framesOfTruth }) {
		if (framesCounted === framesOfRun && framesCounted === framesOfTruth) {
			return `平均適合率(AP)は、解析と正解データ(${truthForm} として読み込み)の全 ${framesCounted} フレームで計算しました。`;
		}
		return `平均適合率(AP)は、解析(${framesOfRun} フレーム)と正解データ(${framesOfTruth} フレーム、${truthForm} として読み込み)の両方にある ${framesCounted} フレームだけで計算しました。`;
	},
	remark(remark) {
		switch (remark.kind) {
			case 'all-persons':
				return '正解データにクラスがないため、すべての枠を人として数えました。';
			case 'unscored-boxes':
				return `ベンチマークの対象外のクラスの枠 ${remark.count} 個は除きました。`;
			case 'other-files':
				return `フォルダー内のほかの XML ファイル ${remark.count} 個(${remark.example})は除きました。`;
			case 'numbered-by-id':
				return '画像の名前からは一つの規則でフレーム番号が決まらないため、画像の id を使いました。';
			case 'first-frame':
				return `指定どおり、正解データの番号 ${remark.number} を最初のフレームとしました。`;
		}
	},
};

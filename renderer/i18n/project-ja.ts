import type { projectEn } from './project-en.ts';

export const projectJa: Record<keyof typeof projectEn, string> = {
	'project.open': 'プロジェクトを開く',
	'project.save': 'プロジェクトを保存',
	'project.saveNow': '保存',
	'project.name': '名前',
	'project.none': '保存されたプロジェクトはまだありません。',
	'project.hint': '保存後の変更は自動で保存されます。開いた動画はプロジェクトに加わります。',
	'project.videos': 'プロジェクトの動画',
	'project.remove': '{name} をプロジェクトから外す',
	'project.putBack': '{name} を元に戻す',
	'project.dropped':
		'ブラウザーでは {name} の場所が分かりません。ここで保存したプロジェクトは次のとおりです。',
	'project.changed': '未保存',
	'project.isMissing': ' (見つかりません)',
	'code.project-unreadable': 'プロジェクトを読み込めません。',
	'code.project-unreadable.remedy': 'このバージョン以前の Sparsight で保存したプロジェクトを選んでください。',
	'code.project-exists': '同じ名前のプロジェクトがあります。',
	'code.project-exists.remedy': '別の名前にするか、そのプロジェクトを開いてください。',
	'code.project-video-missing':
		'プロジェクトの動画が、元の場所にも、プロジェクトの隣にも、最近開いた動画の中にも見つかりません。',
	'code.project-video-missing.remedy': '今ある場所のファイルを選んでください。',
	'code.project-video-differs': 'プロジェクトの動画とは別の動画です。',
	'code.project-video-differs.remedy': '移動または名前を変更したファイルを選んでください。',
	'code.project-run-gone': 'ここに表示していた解析結果は、もう保存されていません。',
	'code.project-run-gone.remedy': 'もう一度解析するか、別の解析結果を選んでください。',
};

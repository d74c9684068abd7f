import type { OnnxCard } from '../../main/families/onnx/card.ts';
import type { SeenProbe } from '../../main/probing/protocol.ts';
import type { MessageKey } from './en.ts';
import { formatPlain, hostWord, t } from './language.svelte.ts';

/** Names that are listed before the rest is counted. */
const FIRST_NAMES = 4;

/** What a card says, in words, field by field. */
export function cardFacts({
	input,
	output,
	suppression,
	classes,
}: OnnxCard): { key: MessageKey; text: string }[] {
	return [
		{ key: 'wizard.size', text: `${input.width} × ${input.height}` },
		{ key: 'wizard.resize', text: resizeText(input.resize) },
		{ key: 'wizard.pixels', text: pixelsText(input) },
		{ key: 'wizard.colour', text: input.colour.toUpperCase() },
		{ key: 'wizard.form', text: t(`wizard.form.${output.form}`) },
		{
			key: 'wizard.boxes',
			text: `${t(`wizard.boxes.${output.boxes}`)}${t('compare.listComma')}${t(`wizard.unit.${output.unit}`)}`,
		},
		{ key: 'wizard.scores', text: t(`wizard.scores.${output.scores}`) },
		{
			key: 'wizard.suppression',
			text: suppression
				? t('wizard.suppression.above', { iou: formatPlain(suppression.iou) })
				: t('wizard.suppression.none'),
		},
		{ key: 'wizard.names', text: namesText(classes.names) },
	];
}

/** The facts of a card that another one has otherwise. */
export function differences(card: OnnxCard, other: OnnxCard): { key: MessageKey; text: string }[] {
	const others = cardFacts(other);
	return cardFacts(card).filter(({ text }, i) => text !== others[i]!.text);
}

/** What a frame shows through a reading: how many objects of which classes. */
export function foundText({ shown, classes }: SeenProbe): string {
	if (shown === 0) return t('wizard.foundNothing');
	const list = classes.map(({ name, count }) => `${count} ${hostWord(`class.${name}`, name)}`);
	return t('wizard.found', { count: shown, list: list.join(t('compare.listComma')) });
}

/** What speaks against a reading. */
export function warnings({ scoresFit, boxesFit, failure }: SeenProbe): MessageKey[] {
	const found: [boolean, MessageKey][] = [
		[failure !== null, 'wizard.warn.fails'],
		[!scoresFit, 'wizard.warn.scores'],
		[!boxesFit, 'wizard.warn.boxes'],
	];
	return found.filter(([holds]) => holds).map(([, key]) => key);
}

function resizeText(resize: OnnxCard['input']['resize']): string {
	if (resize.kind === 'stretch') return t('wizard.resize.stretch');
	return t(`wizard.resize.${resize.align}`, { grey: resize.pad });
}

function pixelsText({ range, mean, std }: OnnxCard['input']): string {
	const isPlain = mean.every((value) => value === 0) && std.every((value) => value === 1);
	const values = { range, mean: mean.map(formatPlain).join(' '), std: std.map(formatPlain).join(' ') };
	return t(isPlain ? 'wizard.pixels.plain' : 'wizard.pixels.normalised', values);
}

function namesText(names: readonly string[]): string {
	const first = names.slice(0, FIRST_NAMES).map((name) => hostWord(`class.${name}`, name));
	const list = first.join(t('compare.listComma'));
	return t('models.classesCount', {
		count: names.length,
		list: names.length > FIRST_NAMES ? `${list} …` : list,
	});
}

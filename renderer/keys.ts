/** What `keyName` reads of a keyboard event. */
export type KeyPress = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'>;

/**
 * A key press as written in the command table: `Mod+o` (Ctrl, or Command on a Mac), `Shift+ArrowLeft`, `Space`, `b`,
 * `?`. Characters that need Shift are written as themselves. Null for modifiers alone and for Alt.
 */
export function keyName(press: KeyPress): string | null {
	if (press.altKey || ['Shift', 'Control', 'Meta', 'Alt', 'Process'].includes(press.key)) return null;
	const mod = press.ctrlKey || press.metaKey ? 'Mod+' : '';
	if (press.key === ' ') return `${mod}${press.shiftKey ? 'Shift+' : ''}Space`;
	if (press.key.length > 1) return `${mod}${press.shiftKey ? 'Shift+' : ''}${press.key}`;
	const isLetter = /^\p{L}$/u.test(press.key);
	return `${mod}${isLetter && press.shiftKey ? 'Shift+' : ''}${press.key.toLowerCase()}`;
}

/** Roles that use the arrow keys, Home and End themselves. */
const ARROW_ROLES = ['slider', 'tab', 'menuitem', 'radio', 'option', 'separator', 'spinbutton', 'listbox'];

/** Whether an element holds text that is typed, which has an undo of its own. */
export function isText(target: { tagName: string; type?: string; editable: boolean }): boolean {
	const tag = target.tagName.toLowerCase();
	const isField = tag === 'input' && !['checkbox', 'radio', 'range', 'file'].includes(target.type ?? 'text');
	return target.editable || tag === 'textarea' || isField;
}

/** Whether the focused element needs this key itself. */
export function ownsKey(
	target: { tagName: string; type?: string; role: string | null; editable: boolean },
	key: string,
): boolean {
	const tag = target.tagName.toLowerCase();
	if (key.startsWith('Mod+')) return isText(target) && /^Mod\+(Shift\+)?z$/.test(key);
	if (target.editable || tag === 'textarea' || tag === 'select') return true;
	const isPress = key === 'Space' || key === 'Enter';
	const isArrow = /Arrow|Home|End|Page/.test(key);
	if (tag === 'input') {
		if (target.type === 'checkbox') return isPress;
		return target.type === 'range' || target.type === 'radio' ? isArrow : true;
	}
	if (isPress && (tag === 'button' || tag === 'a' || tag === 'summary')) return true;
	return isArrow && target.role !== null && ARROW_ROLES.includes(target.role);
}

/** A key of the command table, for display. */
export function keyLabel(key: string, mac: boolean): string {
	const names: Record<string, string> = {
		Mod: mac ? '⌘' : 'Ctrl',
		Shift: mac ? '⇧' : 'Shift',
		ArrowLeft: '←',
		ArrowRight: '→',
		Enter: '↵',
		Escape: 'Esc',
	};
	const parts = key.split('+').map((part) => names[part] ?? (part.length === 1 ? part.toUpperCase() : part));
	return parts.join(mac ? '' : '+');
}

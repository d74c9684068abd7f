import { MediaQuery } from 'svelte/reactivity';

const prefersDark = new MediaQuery('prefers-color-scheme: dark');

let shown: 'light' | 'dark' = $state('light');

/** An element's computed style. Reactive: what is painted with its colours is repainted when the theme changes. */
export function themedStyle(element: Element): CSSStyleDeclaration {
	void shown;
	return getComputedStyle(element);
}

/** Follows the system if the user chose nothing. */
export function applyTheme(choice: 'system' | 'light' | 'dark'): void {
	shown = choice === 'system' ? (prefersDark.current ? 'dark' : 'light') : choice;
	document.documentElement.dataset['theme'] = shown;
}

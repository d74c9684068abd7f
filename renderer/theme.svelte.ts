import { MediaQuery } from 'svelte/reactivity';

const prefersDark = new MediaQuery('prefers-color-scheme: dark');

let shown: 'light' | 'dark' = $state('light');

/** An element's style in the theme in force. Reactive: what is painted in its colours is painted anew in another theme. */
export function themedStyle(element: Element): CSSStyleDeclaration {
	void shown;
	return getComputedStyle(element);
}

/** Follows the system where the person chose nothing. */
export function applyTheme(choice: 'system' | 'light' | 'dark'): void {
	shown = choice === 'system' ? (prefersDark.current ? 'dark' : 'light') : choice;
	document.documentElement.dataset['theme'] = shown;
}

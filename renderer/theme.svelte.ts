import { MediaQuery } from 'svelte/reactivity';

const prefersDark = new MediaQuery('prefers-color-scheme: dark');

let shown: 'light' | 'dark' = $state('light');

/** The theme in force; what draws on canvases reads its colours anew when it changes. */
export function currentTheme(): 'light' | 'dark' {
	return shown;
}

/** Follows the system where the person chose nothing. */
export function applyTheme(choice: 'system' | 'light' | 'dark'): void {
	shown = choice === 'system' ? (prefersDark.current ? 'dark' : 'light') : choice;
	document.documentElement.dataset['theme'] = shown;
}

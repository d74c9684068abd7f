export { t, tryText, hostWord } from './language.svelte.ts';

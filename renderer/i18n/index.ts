export { t } from './language.svelte.ts';

/** What is used of js-yaml, which brings no types. */
declare module 'js-yaml' {
	type Schema = { readonly schema: unique symbol };

	/** Maps, lists and strings: nothing else is made of a text. */
	export const FAILSAFE_SCHEMA: Schema;

	/** The one document of a text; `json`: of two equal keys, the second counts. Throws for what is not YAML. */
	export function load(text: string, options: { schema: Schema; json: boolean }): unknown;
}

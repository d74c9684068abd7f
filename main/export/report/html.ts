import { createHash } from 'node:crypto';

/** Text that is safe inside HTML; only `html` and `join` make it. */
export type Html = { readonly html: string };

/** A template whose values are escaped unless they are Html. Null gives nothing. */
export function html(parts: TemplateStringsArray, ...values: (string | number | Html | null)[]): Html {
	let text = parts[0]!;
	values.forEach((value, i) => {
		text += value === null ? '' : typeof value === 'object' ? value.html : escaped(String(value));
		text += parts[i + 1]!;
	});
	return { html: text };
}

export function join(pieces: Iterable<Html | null>): Html {
	return { html: Array.from(pieces, (piece) => piece?.html ?? '').join('') };
}

function escaped(text: string): string {
	return text
		.replaceAll('&', '&amp;')
		.replaceAll('<', '&lt;')
		.replaceAll('>', '&gt;')
		.replaceAll('"', '&quot;')
		.replaceAll("'", '&#39;');
}

/**
 * A `<style>` or `<script>` with exactly this text, and its hash source for a Content-Security-Policy (CSP level 2).
 * The text cannot end its element: `</` only stands in strings and comments, where `<\/` means the same.
 */
export function inlineElement(name: 'style' | 'script', text: string): { element: Html; source: string } {
	const safe = text.replaceAll('</', '<\\/');
	return {
		element: { html: `<${name}>${safe}</${name}>` },
		source: `'sha256-${createHash('sha256').update(safe).digest('base64')}'`,
	};
}

/** JSON for a data block: `<` is escaped, so that no element can begin or end in it. */
export function jsonBlock(value: unknown): Html {
	return { html: JSON.stringify(value).replaceAll('<', '\\u003c') };
}

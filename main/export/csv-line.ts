/**
 * A line of a CSV file as RFC 4180 has it, with its end. A text that a spreadsheet would take for a formula gets an apostrophe before
 * it, as OWASP advises ("CSV injection"): names come from files of others.
 */
export function csvLine(fields: readonly (string | number)[]): string {
	return `${fields.map(csvField).join(',')}\r\n`;
}

/** RFC 4180, section 2: a field with a comma, a quote or a line break stands in quotes; quotes are doubled. */
function csvField(field: string | number): string {
	const text = isFormula(field) ? `'${field}` : String(field);
	return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Numbers, and times of far years, may have a sign. */
function isFormula(field: string | number): boolean {
	return (
		typeof field === 'string' && /^[=@\t\r]|^[+-](?!\d+(\.\d+)?(e[+-]?\d+)?$|\d{6}-\d\d-\d\dT)/i.test(field)
	);
}

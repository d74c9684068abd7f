/** A line of a CSV file as RFC 4180 has it, with its end. */
export function csvLine(fields: readonly (string | number)[]): string {
	return `${fields.map(csvField).join(',')}\r\n`;
}

/** RFC 4180, section 2: a field with a comma, a quote or a line break stands in quotes; quotes are doubled. */
function csvField(field: string | number): string {
	const text = String(field);
	return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** `00:12.400`, from one hour on `1:00:12.400`; with a sign where the clock of a file starts below zero. */
export function timeText(seconds: number): string {
	const milliseconds = Math.round(Math.abs(seconds) * 1000);
	const part = (unit: number, modulus: number, digits: number) =>
		String(Math.floor(milliseconds / unit) % modulus).padStart(digits, '0');
	const hours = Math.floor(milliseconds / 3_600_000);
	const sign = seconds < 0 && milliseconds > 0 ? '-' : '';
	return `${sign}${hours > 0 ? `${hours}:` : ''}${part(60_000, 60, 2)}:${part(1000, 60, 2)}.${part(1, 1000, 3)}`;
}

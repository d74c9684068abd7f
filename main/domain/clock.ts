/** Minutes and seconds, and hours if there are any: 1:19, 2:04:00; with `digits`, fractions of the second. */
export function formatClock(seconds: number, digits = 0): string {
	const unit = 10 ** digits;
	const total = Math.round(Math.abs(seconds) * unit) / unit;
	const hours = Math.floor(total / 3600);
	const minutes = Math.floor(total / 60) % 60;
	const rest = (total % 60).toFixed(digits).padStart(digits > 0 ? digits + 3 : 2, '0');
	const sign = seconds < 0 && total > 0 ? '−' : '';
	return hours > 0
		? `${sign}${hours}:${String(minutes).padStart(2, '0')}:${rest}`
		: `${sign}${minutes}:${rest}`;
}

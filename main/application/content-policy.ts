/**
 * What the page may load, for both hosts: itself, and `mediaSources` beyond it (`media:` on the desktop). No inline
 * script, no other origin, no frame around it or in it.
 */
export function contentSecurityPolicy(mediaSources: readonly string[] = []): string {
	const media = ["'self'", 'blob:', ...mediaSources].join(' ');
	return [
		"default-src 'none'",
		"script-src 'self'",
		// Components position menus and tooltips with style attributes; style sheets come from files only.
		"style-src 'self'",
		"style-src-attr 'unsafe-inline'",
		"img-src 'self' data: blob:",
		"font-src 'self'",
		`media-src ${media}`,
		// Frame-exact playback reads the file itself, with byte ranges.
		`connect-src ${media}`,
		"worker-src 'self' blob:",
		"manifest-src 'self'",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
	].join('; ');
}

/** Files that the bundler puts into the program: as text, or as a `data:` URL. */
declare module '*?raw' {
	const text: string;
	export default text;
}

declare module '*?inline' {
	const dataUrl: string;
	export default dataUrl;
}

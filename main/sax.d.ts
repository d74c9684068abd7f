/** What is used of sax, which brings no types. */
declare module 'sax' {
	type Parser = {
		onopentag: (tag: { name: string }) => void;
		onclosetag: (name: string) => void;
		ontext: (text: string) => void;
		oncdata: (text: string) => void;
		onerror: (error: Error) => void;
		/** Counted from 0. */
		line: number;
		write(text: string): Parser;
		close(): Parser;
	};

	const sax: {
		/** `strictEntities`: no entities but those of XML itself. A DOCTYPE is read over, its entities are not known. */
		parser(strict: boolean, options: { strictEntities: boolean }): Parser;
	};
	export default sax;
}

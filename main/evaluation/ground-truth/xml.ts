import sax from 'sax';

/** An element: its name, its own text without that of its children, and these. Attributes are not kept. */
export type XmlElement = { name: string; text: string; children: XmlElement[] };

/** Deeper files are no annotations. */
const MAX_DEPTH = 64;

/** The root of an XML text. Throws an Error with one line, its place and reason, for what is not well-formed. */
export function parseXml(text: string): XmlElement {
	const document: XmlElement = { name: '', text: '', children: [] };
	const open = [document];
	const parser = sax.parser(true, { strictEntities: true });
	const fail = (reason: string): never => {
		throw new Error(`line ${parser.line + 1}: ${reason}`);
	};
	parser.onerror = ({ message }) => fail(message.split('\n', 1)[0]!);
	parser.onopentag = ({ name }) => {
		if (open.length > MAX_DEPTH) fail(`more than ${MAX_DEPTH} elements inside each other`);
		const element: XmlElement = { name, text: '', children: [] };
		open.at(-1)!.children.push(element);
		open.push(element);
	};
	parser.onclosetag = () => open.pop();
	parser.ontext = parser.oncdata = (part) => {
		open.at(-1)!.text += part;
	};
	parser.write(text).close();
	return document.children[0] ?? fail('no element');
}

/** The first child of that name, or undefined. */
export function child(element: XmlElement | undefined, name: string): XmlElement | undefined {
	return element?.children.find((each) => each.name === name);
}

/** The text of the first child of that name, without spaces around it; empty if there is none. */
export function textOf(element: XmlElement | undefined, name: string): string {
	return child(element, name)?.text.trim() ?? '';
}

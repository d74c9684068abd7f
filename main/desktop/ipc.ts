import { ipcMain, type WebContents, type WebFrameMain } from 'electron';
import { DROP_CHANNEL, EVENT_CHANNEL, REQUEST_CHANNEL } from '../../preload/channels.ts';
import type { HostEvent, Reply } from '../../preload/contract.ts';
import type { Application } from '../application/application.ts';
import { UserFacingError, errorToData } from '../domain/errors.ts';
import { isPageUrl } from './schemes.ts';

/** The parts of a message that tell who sent it. */
type Sent = { sender: WebContents; senderFrame: WebFrameMain | null };

export type IpcOptions = {
	/** Requests wait until it is open. */
	application: Promise<Pick<Application, 'request' | 'listen'>>;
	/** The window's page; null while there is none. */
	page: () => WebContents | null;
	/** Called when a file was dropped on the page. */
	onDrop: (dropToken: string, path: string) => void;
	/** Called when a request of the page was answered. */
	onAnswered: (name: string) => void;
};

const LONGEST_PATH = 32_768; // Windows, with its \\?\ prefix

/** The contract over Electron's IPC: requests from the page, and from nobody else, and events to it. */
export function connectPage({ application, page, onDrop, onAnswered }: IpcOptions): void {
	ipcMain.handle(REQUEST_CHANNEL, async (sent, name: unknown, input: unknown): Promise<Reply> => {
		if (!isFromPage(sent, page())) return refusal('Requests are answered for the page alone.');
		if (typeof name !== 'string') return refusal('A request of the contract was expected.');
		const reply = await (await application).request(name, input);
		if ('answer' in reply) onAnswered(name);
		return reply;
	});
	ipcMain.on(DROP_CHANNEL, (sent, dropToken: unknown, path: unknown) => {
		if (!isFromPage(sent, page())) return;
		if (typeof dropToken !== 'string' || dropToken.length > 64) return;
		if (typeof path !== 'string' || path === '' || path.length > LONGEST_PATH) return;
		onDrop(dropToken, path);
	});
	const send = (event: HostEvent) => {
		const contents = page();
		if (contents && !contents.isDestroyed() && !contents.isCrashed()) contents.send(EVENT_CHANNEL, event);
	};
	void application.then(
		(opened) => opened.listen(send),
		() => undefined, // whoever opens it reports why that failed
	);
}

/** Whether a message comes from the main frame of `page` while it shows the application's own address. */
function isFromPage({ sender, senderFrame }: Sent, page: WebContents | null): boolean {
	if (page === null || sender !== page) return false;
	// Null if the frame has been closed or has navigated since.
	return senderFrame !== null && senderFrame.parent === null && isPageUrl(senderFrame.url);
}

function refusal(message: string): Reply {
	return { error: errorToData(new UserFacingError('bad-argument', message)) };
}

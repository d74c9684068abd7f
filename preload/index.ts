import { contextBridge, ipcRenderer, webUtils } from 'electron';
import { DROP_CHANNEL, EVENT_CHANNEL, REQUEST_CHANNEL } from './channels.ts';
import type { HostApi, HostEvent, Reply } from './contract.ts';

// Gives the page the contract as window.sparsight, and nothing else of the desktop: neither ipcRenderer nor any path.

const listeners = new Set<(event: HostEvent) => void>();
ipcRenderer.on(EVENT_CHANNEL, (_, event: HostEvent) => {
	for (const listener of listeners) listener(event);
});

let lastDrop = 0;

const api: HostApi = {
	async request(name, input) {
		const reply = (await ipcRenderer.invoke(REQUEST_CHANNEL, name, input)) as Reply;
		// oxlint-disable-next-line typescript/prefer-promise-reject-errors -- only its message would cross the bridge
		return 'error' in reply ? Promise.reject(reply.error) : (reply.answer as never);
	},
	listen(listener) {
		listeners.add(listener);
		return () => {
			listeners.delete(listener);
		};
	},
	dropToken(file) {
		const path = pathOf(file);
		if (path === '') return null;
		const token = `drop-${++lastDrop}`;
		// Messages stay in order: the path arrives before a request can name the token.
		ipcRenderer.send(DROP_CHANNEL, token, path);
		return token;
	},
};

/** Empty for files that the page made itself, and for anything that is not a file. */
function pathOf(file: unknown): string {
	try {
		return webUtils.getPathForFile(file as Parameters<typeof webUtils.getPathForFile>[0]);
	} catch {
		return '';
	}
}

contextBridge.exposeInMainWorld('sparsight', api);

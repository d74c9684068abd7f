import { EventEmitter } from 'node:events';

// Fakes Electron in tests of the shell: it does what Electron's documentation says about the parts that are used, and
// records calls. `vi.mock('electron', () => import('./electron.fixture.ts'))`.

/** An event that can be prevented, as Electron passes it to listeners. */
export class FakeEvent {
	defaultPrevented = false;
	preventDefault(): void {
		this.defaultPrevented = true;
	}
}

/** Emits an event with `details`; true if a listener prevented the default. */
export function isPrevented(emitter: EventEmitter, name: string, details: object = {}): boolean {
	const event = Object.assign(new FakeEvent(), details);
	emitter.emit(name, event);
	return event.defaultPrevented;
}

type Handler = (event: unknown, ...words: unknown[]) => unknown;

class IpcMain extends EventEmitter {
	readonly handlers = new Map<string, Handler>();
	handle(channel: string, handler: Handler): void {
		this.handlers.set(channel, handler);
	}
	reset(): void {
		this.handlers.clear();
		this.removeAllListeners();
	}
}
export const ipcMain = new IpcMain();

export class WebContents extends EventEmitter {
	readonly sent: unknown[][] = [];
	crashed = false;
	destroyed = false;
	windowOpenHandler: ((details: { url: string }) => { action: string }) | null = null;
	setWindowOpenHandler(handler: (details: { url: string }) => { action: string }): void {
		this.windowOpenHandler = handler;
	}
	send(...words: unknown[]): void {
		if (this.crashed || this.destroyed) throw new Error('The page is gone.');
		this.sent.push(words);
	}
	readonly prints: object[] = [];
	/** What a print is; a test replaces it. */
	static onPrint: () => Promise<Buffer> = () => Promise.resolve(Buffer.from('%PDF-'));
	printToPDF(options: object): Promise<Buffer> {
		this.prints.push(options);
		return WebContents.onPrint();
	}
	isDestroyed(): boolean {
		return this.destroyed;
	}
	isCrashed(): boolean {
		return this.crashed;
	}
}

export class Session extends EventEmitter {
	permissionRequest:
		((contents: unknown, permission: string, decide: (may: boolean) => void) => void) | null = null;
	permissionCheck: (() => boolean) | null = null;
	deviceCheck: (() => boolean) | null = null;
	beforeRequest: ((details: { url: string }, decide: (answer: { cancel: boolean }) => void) => void) | null =
		null;
	readonly webRequest = {
		onBeforeRequest: (listener: NonNullable<Session['beforeRequest']>) => {
			this.beforeRequest = listener;
		},
	};
	readonly schemes = new Map<string, (request: Request) => Promise<Response> | Response>();
	readonly protocol = {
		handle: (scheme: string, handler: (request: Request) => Promise<Response> | Response) =>
			void this.schemes.set(scheme, handler),
	};
	setPermissionRequestHandler(handler: Session['permissionRequest']): void {
		this.permissionRequest = handler;
	}
	setPermissionCheckHandler(handler: Session['permissionCheck']): void {
		this.permissionCheck = handler;
	}
	setDevicePermissionHandler(handler: Session['deviceCheck']): void {
		this.deviceCheck = handler;
	}
}

/** Ids of blockers that are on. */
export const powerSaveBlocker = {
	on: new Map<number, string>(),
	last: 0,
	start(kind: string): number {
		this.on.set(++this.last, kind);
		return this.last;
	},
	stop(id: number): void {
		this.on.delete(id);
	},
};

type Rectangle = { x: number; y: number; width: number; height: number };

export class BrowserWindow extends EventEmitter {
	static opened: BrowserWindow[] = [];
	readonly options: Partial<Rectangle> & { show: boolean; webPreferences: Record<string, unknown> };
	readonly webContents = new WebContents();
	bounds: Rectangle;
	visible = false;
	maximized = false;
	fullScreen = false;
	minimized = false;
	focused = false;
	closed = false;
	loaded = '';
	constructor(options: BrowserWindow['options']) {
		super();
		this.options = options;
		const { x = 0, y = 0, width = 800, height = 600 } = options;
		this.bounds = { x, y, width, height };
		this.visible = options.show;
		BrowserWindow.opened.push(this);
	}
	loadURL(url: string): Promise<void> {
		this.loaded = url;
		return Promise.resolve();
	}
	show(): void {
		this.visible = true;
	}
	maximize(): void {
		this.maximized = true;
	}
	setFullScreen(): void {
		this.fullScreen = true;
	}
	/** Like a click on the window's close button: listeners may prevent it. */
	close(): void {
		if (isPrevented(this, 'close')) return;
		this.closed = true;
		this.emit('closed');
	}
	/** Without a question. */
	destroy(): void {
		this.closed = true;
		this.emit('closed');
	}
	isDestroyed(): boolean {
		return this.closed;
	}
	isMinimized(): boolean {
		return this.minimized;
	}
	restore(): void {
		this.minimized = false;
	}
	focus(): void {
		this.focused = true;
	}
	getNormalBounds(): Rectangle {
		return this.bounds;
	}
	isMaximized(): boolean {
		return this.maximized;
	}
	isFullScreen(): boolean {
		return this.fullScreen;
	}
}

export const nativeTheme = { shouldUseDarkColors: false, themeSource: 'system' };

export const screen = {
	getPrimaryDisplay: () => ({ id: 1, workArea: { x: 0, y: 0, width: 1920, height: 1040 } }),
	getAllDisplays: () => [screen.getPrimaryDisplay()],
};

export type FakeMenuItem = {
	id?: string;
	role?: string;
	label?: string;
	type?: string;
	enabled?: boolean;
	accelerator?: string;
	registerAccelerator?: boolean;
	click?: () => void;
	submenu?: FakeMenuItem[];
};
export const Menu = {
	current: [] as FakeMenuItem[],
	buildFromTemplate: (template: FakeMenuItem[]) => template,
	setApplicationMenu: (menu: FakeMenuItem[]) => void (Menu.current = menu),
};

export class FakeUtilityProcess extends EventEmitter {
	pid: number | undefined;
	readonly stderr = Object.assign(new EventEmitter(), { setEncoding: () => undefined });
	readonly posted: unknown[] = [];
	killed = false;
	postMessage(message: unknown): void {
		this.posted.push(message);
	}
	kill(): boolean {
		this.killed = true;
		return true;
	}
}
export const utilityProcess = {
	forked: [] as { entry: string; options: Record<string, unknown>; child: FakeUtilityProcess }[],
	fork(entry: string, _words: string[], options: Record<string, unknown>): FakeUtilityProcess {
		const child = new FakeUtilityProcess();
		utilityProcess.forked.push({ entry, options, child });
		return child;
	},
};

type DialogAnswer = { canceled: boolean; filePaths: string[]; filePath: string };
export const dialog = {
	shown: [] as { defaultPath?: string; filters?: { extensions: string[] }[] }[],
	answer: { canceled: true, filePaths: [], filePath: '' } as DialogAnswer,
	showOpenDialog: (...words: unknown[]) => dialog.show(words),
	showSaveDialog: (...words: unknown[]) => dialog.show(words),
	questions: [] as { message: string; buttons: string[] }[],
	/** Index of the button that is pressed. */
	response: 0,
	showMessageBox: (...words: unknown[]) => {
		dialog.questions.push(words.at(-1) as (typeof dialog.questions)[number]);
		return Promise.resolve({ response: dialog.response });
	},
	errors: [] as string[][],
	showErrorBox: (...words: string[]) => void dialog.errors.push(words),
	show(words: unknown[]): Promise<DialogAnswer> {
		dialog.shown.push(words.at(-1) as (typeof dialog.shown)[number]);
		return Promise.resolve(dialog.answer);
	},
};

export const shell = {
	shown: [] as string[],
	showItemInFolder: (path: string) => void shell.shown.push(path),
};

class App extends EventEmitter {
	readonly isPackaged = false;
	readonly paths = new Map<string, string>();
	sandboxed = false;
	/** Null while it is running. */
	ended: 'quit' | 'exit' | null = null;
	becomeReady: () => void = () => undefined;
	readonly #ready = new Promise<void>((resolve) => (this.becomeReady = resolve));
	whenReady(): Promise<void> {
		return this.#ready;
	}
	enableSandbox(): void {
		this.sandboxed = true;
	}
	setPath(name: string, path: string): void {
		this.paths.set(name, path);
	}
	getPath(name: string): string {
		return this.paths.get(name) ?? `/${name}`;
	}
	getLocale(): string {
		return 'ja-JP';
	}
	getVersion(): string {
		return '0.0.0';
	}
	setAboutPanelOptions(): void {}
	requestSingleInstanceLock(): boolean {
		return true;
	}
	/** Ends unless a listener prevents it. */
	quit(): void {
		if (!isPrevented(this, 'will-quit')) this.ended = 'quit';
	}
	exit(): void {
		this.ended = 'exit';
	}
}
export const app = new App();

type SchemeHandler = (request: Request) => Promise<Response>;
export const protocol = {
	privileged: [] as { scheme: string }[],
	handlers: new Map<string, SchemeHandler>(),
	registerSchemesAsPrivileged: (schemes: { scheme: string }[]) => void protocol.privileged.push(...schemes),
	handle: (scheme: string, handler: SchemeHandler) => void protocol.handlers.set(scheme, handler),
};

export const session = {
	defaultSession: new Session(),
	partitions: new Map<string, Session>(),
	fromPartition(name: string): Session {
		const known = session.partitions.get(name) ?? new Session();
		session.partitions.set(name, known);
		return known;
	},
};

/** For the preload script. */
export const ipcRenderer = Object.assign(new EventEmitter(), {
	sent: [] as unknown[][],
	reply: {},
	invoke: (...words: unknown[]) => {
		ipcRenderer.sent.push(words);
		return Promise.resolve(ipcRenderer.reply);
	},
	send: (...words: unknown[]) => void ipcRenderer.sent.push(words),
});
export const contextBridge = {
	exposed: new Map<string, unknown>(),
	exposeInMainWorld: (name: string, value: unknown) => void contextBridge.exposed.set(name, value),
};
export const webUtils = {
	getPathForFile(file: unknown): string {
		if (!(file instanceof Object) || !('fromDisk' in file)) throw new TypeError('A File was expected.');
		return String(file.fromDisk);
	},
};

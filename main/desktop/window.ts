import { BrowserWindow, nativeTheme, screen } from 'electron';
import { PAGE_URL } from './schemes.ts';
import { placeWindow, SMALLEST_SIZE, type WindowState } from './window-state.ts';

export type WindowOptions = {
	/** How it was left; null at the first start. */
	left: WindowState | null;
	preload: string;
	/** For the window and the task bar, where the system does not take it from the program. */
	icon: string | null;
	developing: boolean;
	/** How the window stands, whenever that changes. */
	onState: (state: WindowState) => void;
	/** Asked before it closes; false keeps it open. */
	mayClose: () => Promise<boolean>;
};

/** Colours of the page's surface, for the moment before it is drawn. */
const SURFACE = { light: '#fafafa', dark: '#1a1b1e' };

/** The window, which shows itself once there is something in it. */
export function openWindow({
	left,
	preload,
	icon,
	developing,
	onState,
	mayClose,
}: WindowOptions): BrowserWindow {
	const window = new BrowserWindow({
		...placeWindow(left, workAreas()),
		minWidth: SMALLEST_SIZE.width,
		minHeight: SMALLEST_SIZE.height,
		show: false,
		title: 'Sparsight',
		backgroundColor: nativeTheme.shouldUseDarkColors ? SURFACE.dark : SURFACE.light,
		...(icon === null ? {} : { icon }),
		webPreferences: {
			preload,
			contextIsolation: true,
			sandbox: true,
			nodeIntegration: false,
			nodeIntegrationInWorker: false,
			nodeIntegrationInSubFrames: false,
			webSecurity: true,
			allowRunningInsecureContent: false,
			webviewTag: false,
			navigateOnDragDrop: false,
			// Would fetch its dictionaries from the network.
			spellcheck: false,
			devTools: developing,
		},
	});
	window.once('ready-to-show', () => {
		if (left?.maximized) window.maximize();
		if (left?.fullScreen) window.setFullScreen(true);
		window.show();
	});
	for (const event of ['resized', 'moved', 'maximize', 'unmaximize', 'close'] as const) {
		window.on(event as 'close', () => onState(stateOf(window)));
	}
	askBeforeClosing(window, mayClose);
	void window.loadURL(PAGE_URL);
	return window;
}

function stateOf(window: BrowserWindow): WindowState {
	return {
		bounds: window.getNormalBounds(),
		maximized: window.isMaximized(),
		fullScreen: window.isFullScreen(),
	};
}

function askBeforeClosing(window: BrowserWindow, mayClose: () => Promise<boolean>): void {
	let asking = false;
	let agreed = false;
	window.on('close', (event) => {
		if (agreed) return;
		event.preventDefault();
		if (asking) return;
		asking = true;
		void mayClose()
			.catch(() => true) // a question that cannot be asked must not hold the window
			.then((may) => {
				asking = false;
				agreed = may;
				if (may && !window.isDestroyed()) window.close();
			});
	});
}

/** Of all screens, the main one first. */
function workAreas() {
	const first = screen.getPrimaryDisplay();
	const others = screen.getAllDisplays().filter(({ id }) => id !== first.id);
	return [first, ...others].map(({ workArea }) => workArea);
}

import { BrowserWindow, nativeTheme, screen } from 'electron';
import { GUARDED_PREFERENCES } from './page-guards.ts';
import { PAGE_URL } from './schemes.ts';
import { placeWindow, SMALLEST_SIZE, type WindowState } from './window-state.ts';

export type WindowOptions = {
	/** Its last state; null at the first start. */
	left: WindowState | null;
	preload: string;
	/** Icon of window and task bar, if the system does not take it from the program. */
	icon: string | null;
	developing: boolean;
	/** Called with the window's state whenever it changes. */
	onState: (state: WindowState) => void;
	/** Called before it closes; false keeps it open. */
	mayClose: () => Promise<boolean>;
};

/** Background colours of the page, for the moment before it is drawn. */
const SURFACE = { light: '#fafafa', dark: '#1a1b1e' };

/** Opens the window, which is shown once the page is drawn. */
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
			...GUARDED_PREFERENCES,
			preload,
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
			.catch(() => true) // if the question cannot be asked, the window closes
			.then((may) => {
				asking = false;
				agreed = may;
				if (may && !window.isDestroyed()) window.close();
			});
	});
}

/** The work areas of all screens, the primary one first. */
function workAreas() {
	const first = screen.getPrimaryDisplay();
	const others = screen.getAllDisplays().filter(({ id }) => id !== first.id);
	return [first, ...others].map(({ workArea }) => workArea);
}

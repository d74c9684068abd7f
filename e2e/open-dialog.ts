import type { Page } from 'playwright-core';

/** Picks a file of the videos' folder in the page's own list of files, which is open: what a browser has for the system's dialogs. */
export async function chooseListed(page: Page, name: string): Promise<void> {
	const dialog = page.getByRole('dialog').last(); // its name is of the page's language
	await dialog.getByRole('button', { name: 'videos', exact: true }).click();
	await dialog.getByRole('button', { name, exact: true }).click();
}

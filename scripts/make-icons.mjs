// Draws the icons of all systems from assets/icons/sparsight.svg into out/icons: PNGs, icon.ico and icon.icns.
import { Buffer } from 'node:buffer';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import { root } from './prepare.mjs';

const LINUX_SIZES = [16, 24, 32, 48, 64, 128, 256, 512];
const WINDOWS_SIZES = [16, 24, 32, 48, 64, 128, 256];
/** Types of Apple's icon container and the pixels of each; `ic11` to `ic14` are the doubled ones. */
const APPLE_TYPES = {
	icp4: 16,
	icp5: 32,
	ic07: 128,
	ic08: 256,
	ic09: 512,
	ic10: 1024,
	ic11: 32,
	ic12: 64,
	ic13: 256,
	ic14: 512,
};

/** Makes all icons; returns their folder. */
export async function makeIcons() {
	const folder = join(root, 'out', 'icons');
	mkdirSync(folder, { recursive: true });
	const drawing = await loadImage(join(root, 'assets', 'icons', 'sparsight.svg'));
	const png = (/** @type {number} */ size) => {
		const canvas = createCanvas(size, size);
		canvas.getContext('2d').drawImage(drawing, 0, 0, size, size);
		return canvas.toBuffer('image/png');
	};
	for (const size of LINUX_SIZES) writeFileSync(join(folder, `${size}x${size}.png`), png(size));
	writeFileSync(join(folder, 'icon.ico'), ico(WINDOWS_SIZES.map((size) => [size, png(size)])));
	writeFileSync(
		join(folder, 'icon.icns'),
		icns(Object.entries(APPLE_TYPES).map(([type, size]) => [type, png(size)])),
	);
	return folder;
}

/**
 * Header, a directory entry of 16 bytes for each picture, the pictures (PNG, as Windows has read since Vista).
 * @param {[size: number, png: Buffer][]} pictures
 */
function ico(pictures) {
	const header = Buffer.alloc(6 + 16 * pictures.length);
	header.writeUInt16LE(1, 2);
	header.writeUInt16LE(pictures.length, 4);
	let offset = header.length;
	pictures.forEach(([size, bytes], i) => {
		const entry = 6 + 16 * i;
		header.writeUInt8(size % 256, entry); // 0 means 256
		header.writeUInt8(size % 256, entry + 1);
		header.writeUInt16LE(1, entry + 4);
		header.writeUInt16LE(32, entry + 6);
		header.writeUInt32LE(bytes.length, entry + 8);
		header.writeUInt32LE(offset, entry + 12);
		offset += bytes.length;
	});
	return Buffer.concat([header, ...pictures.map(([, bytes]) => bytes)]);
}

/**
 * `icns`, total length, then type, length and PNG of each picture; lengths include their own eight bytes.
 * @param {[type: string, png: Buffer][]} pictures
 */
function icns(pictures) {
	const parts = pictures.map(([type, bytes]) => Buffer.concat([tagged(type, bytes.length + 8), bytes]));
	const length = parts.reduce((sum, part) => sum + part.length, 8);
	return Buffer.concat([tagged('icns', length), ...parts]);
}

/**
 * @param {string} type
 * @param {number} length
 */
function tagged(type, length) {
	const head = Buffer.alloc(8);
	head.write(type, 'ascii');
	head.writeUInt32BE(length, 4);
	return head;
}

import { basename } from 'node:path';
import { readable } from '../domain/recording-clock.ts';
import { objectLabel } from '../domain/track-labels.ts';
import type { StoredRun } from '../results/stored-run.ts';
import { formatTime } from './drawing/draw-overlay.ts';
import type { ExportedObject } from './exported-objects.ts';
import { html, inlineElement, join, type Html } from './report/html.ts';

const STYLE = `
:root { color-scheme: light dark; font: 14px/20px system-ui, sans-serif; }
body { margin: 24px; }
h1 { margin: 0; font-size: 20px; line-height: 28px; }
p { margin: 4px 0; }
ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(176px, 1fr)); gap: 16px; margin: 24px 0 0; padding: 0; }
li { display: grid; grid-template-rows: 160px auto; list-style: none; break-inside: avoid; }
img { justify-self: start; align-self: end; border-radius: 4px; }
dl { margin: 4px 0 0; font-size: 12px; line-height: 18px; font-variant-numeric: tabular-nums; }
dt { font-weight: 600; overflow-wrap: anywhere; }
dd { margin: 0; }
`;

/** A page with the pictures of all objects inside it: it runs nothing and loads nothing. */
export function contactSheet(run: StoredRun, told: readonly ExportedObject[]): string {
	const { video, model } = run.header;
	const style = inlineElement('style', STYLE);
	const policy = `default-src 'none'; style-src ${style.source}; img-src data:`;
	const name = basename(video.path);
	const count = told.length === 1 ? '1 object' : `${told.length} objects`;
	return html`<!doctype html>
		<html lang="en">
			<head>
				<meta charset="utf-8" />
				<meta http-equiv="Content-Security-Policy" content="${policy}" />
				<meta name="viewport" content="width=device-width, initial-scale=1" />
				<title>${name} · ${count} · Sparsight</title>
				${style.element}
			</head>
			<body>
				<h1>${name}</h1>
				<p>
					${count}, in the order in which they were first seen, each at its best sighting. Found by
					${model.name}.
				</p>
				<p><strong>Faces and number plates are not hidden here.</strong></p>
				<ul>
					${join(told.map(figure))}
				</ul>
			</body>
		</html> `.html;
}

function figure(one: ExportedObject): Html {
	const who = objectLabel(one.identity, new Map(one.name === null ? [] : [[one.identity, one.name]]));
	const time = (seconds: number, at: string | null) => (at === null ? formatTime(seconds) : readable(at));
	const best = time(one.seconds, one.recordedAt);
	const picture = one.small
		? html`<img
				src="${one.small.url}"
				width="${one.small.size.width}"
				height="${one.small.size.height}"
				alt="${who}, ${one.class}, ${best}"
			/>`
		: html`<span>The video has no frame ${one.frame} any more.</span>`;
	return html` <li>
		${picture}
		<dl>
			<dt>${who} ${one.class}</dt>
			<dd>${best} · frame ${one.frame}</dd>
			<dd>
				seen ${time(one.firstSeconds, one.firstAt)} –
				${time(one.lastSeconds, one.lastAt).slice(one.lastAt === null ? 0 : 11)}
			</dd>
			<dd>${one.sightings} sightings · score ${one.score.toFixed(2)}</dd>
		</dl>
	</li>`;
}

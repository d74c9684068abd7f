import { join } from 'node:path';
import { detrFamily } from '../main/families/detr/index.ts';
import { benchLanes, type LaneOptions, type LaneRow } from './lanes.ts';

/** Hosts whose published models have one backbone with and without ENACT. */
const HOSTS = [
	{ host: 'detr', title: 'DETR' },
	{ host: 'anchor-detr', title: 'Anchor DETR' },
];

/** DETR and Anchor DETR with ENACT against their plain hosts; `manifestFolder` holds `<host>-<plain or enact>.json`. */
export async function benchDetr(manifestFolder: string, options: LaneOptions): Promise<LaneRow[]> {
	const rows: LaneRow[] = [];
	for (const { host, title } of HOSTS) {
		const lane = (kind: string, mode: string, label: string) => ({
			label,
			family: detrFamily,
			mode,
			settings: {},
			manifestPath: join(manifestFolder, `${host}-${kind}.json`),
		});
		const lanes = [lane('plain', 'dense', title), lane('enact', 'enact', `${title} with ENACT`)];
		rows.push(...(await benchLanes(lanes, options)));
	}
	return rows;
}

import { UserFacingError } from '../domain/errors.ts';
import type { Layers } from '../graph/layers.ts';

/** Rows and columns that DETRs learn positions for. */
const LEARNED_CELLS = 50;

/**
 * Learned positions of a feature map's cells (Carion et al., ECCV 2020): half of each comes from its column, half from its
 * row: [batch, rows, cols, dim]. Tensors: `<prefix>col_embed.weight` and `<prefix>row_embed.weight` [50, dim / 2]. Throws
 * `bad-argument` for larger maps.
 */
export function learnedPositions(
	layers: Pick<Layers, 'tensor'>,
	{ batch, rows, cols }: { batch: number; rows: number; cols: number },
	dim: number,
	prefix: string,
): Float32Array {
	const half = dim / 2;
	const table = (axis: 'row' | 'col') =>
		layers.tensor(`${prefix}${axis}_embed.weight`, [LEARNED_CELLS, half]).data;
	const [byRow, byCol] = [table('row'), table('col')];
	if (Math.max(rows, cols) > LEARNED_CELLS) {
		throw new UserFacingError(
			'bad-argument',
			`The model has learned positions for ${LEARNED_CELLS} rows and columns of cells, and this picture would have ${rows} × ${cols}.`,
			{ remedy: 'Run it on smaller pictures.' },
		);
	}
	const out = new Float32Array(batch * rows * cols * dim);
	for (let cell = 0; cell < batch * rows * cols; cell++) {
		const [col, row] = [cell % cols, Math.floor(cell / cols) % rows];
		out.set(byCol.subarray(col * half, (col + 1) * half), cell * dim);
		out.set(byRow.subarray(row * half, (row + 1) * half), cell * dim + half);
	}
	return out;
}

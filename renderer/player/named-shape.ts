import type { Point } from '../../main/domain/zones.ts';

/** A zone or line whose name stands on the pictures. */
export type NamedShape = {
	name: string;
	/** Its corners as shares of the picture's width and height. */
	points: readonly Point[];
	/** Whether it stands out: a person changes it. */
	chosen: boolean;
};

import { afterAll, expect, it } from 'vitest';
import { type Chance, chanceOf } from '../../domain/chance.fixture.ts';
import { UserFacingError } from '../../domain/errors.ts';
import { cardCost } from './host.ts';
import { parseOnnx } from './onnx-file.ts';
import { recognize } from './signature.ts';
import { onnxFolder, SIGNATURES, tinyOnnx } from './tiny-onnx.fixture.ts';

// Files with something changed at random: a reading comes of them or a sentence, never a crash. A failure tells its seed; those of the
// default once found something.
const SEED = Number(process.env['SPARSIGHT_SEED'] ?? 126);
const OF_EACH = Number(process.env['SPARSIGHT_MUTATIONS'] ?? 2);

const files = onnxFolder();
afterAll(files.remove);

/** Where weights are no longer in the way: changes lie among the first or the last bytes, where the graph is. */
const REACH = 1500;

const MUTATIONS: Readonly<Record<string, (bytes: Uint8Array, chance: Chance) => Uint8Array>> = {
	'a flipped bit': (bytes, chance) => {
		const at = placeIn(bytes, chance);
		return bytes.with(at, bytes[at]! ^ (1 << chance(8)));
	},
	'a byte of ones': (bytes, chance) => bytes.with(placeIn(bytes, chance), 255),
	'an end cut off': (bytes, chance) => bytes.slice(0, placeIn(bytes, chance)),
	'a part left out': (bytes, chance) => {
		const at = placeIn(bytes, chance);
		return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + chance(40))]);
	},
	'a part twice': (bytes, chance) => {
		const at = placeIn(bytes, chance);
		return Buffer.concat([bytes.subarray(0, at + chance(40)), bytes.subarray(at)]);
	},
	'many bits flipped': (bytes, chance) => {
		const changed = bytes.slice();
		for (let i = 0; i < 20; i++) changed[placeIn(bytes, chance)]! ^= 1 << chance(8);
		return changed;
	},
};

function placeIn(bytes: Uint8Array, chance: Chance): number {
	const reach = Math.min(REACH, bytes.length);
	return chance(2) === 0 ? chance(reach) : bytes.length - 1 - chance(reach);
}

it.each(Object.entries(SIGNATURES))(
	'%s opens or is refused in a sentence, whatever is changed in it',
	(name, outputs) => {
		const whole = tinyOnnx({ outputs });
		const path = `${files.folder}/${name}.onnx`;
		for (const [what, change] of Object.entries(MUTATIONS)) {
			for (let i = 0; i < OF_EACH; i++) {
				const seed = SEED + i;
				const place = `${name} with ${what}, SPARSIGHT_SEED=${seed}`;
				try {
					const file = parseOnnx(change(whole, chanceOf(seed)), path);
					const { readings } = recognize(file);
					for (const { card } of readings) expect(cardCost(file, card).macs, place).toBeGreaterThanOrEqual(0);
				} catch (error) {
					expect(error, place).toBeInstanceOf(UserFacingError);
					expect((error as UserFacingError).message, place).toMatch(/^[^\n]+\.$/);
				}
			}
		}
	},
);

import type { Finding } from './findings.ts';
import type { ParityCase } from './parity-case.ts';

/** Computes what a case of one published system states, and compares. */
export type ParitySystem = (given: ParityCase) => Promise<Finding[]>;

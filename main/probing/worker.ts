import { endWith, openWorkerPort } from '../process/worker-port.ts';
import { probeModel } from './probe-model.ts';
import type { ProbeExchange } from './protocol.ts';

// The entry of the process that tries the readings of a file on one frame, then ends: a foreign network may take all memory
// or crash.

const port = openWorkerPort<ProbeExchange>();
port.onHostGone(() => process.exit(1));
port.onRequest(({ job }) => void endWith(port, probeModel(job)));

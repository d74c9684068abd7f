// Names of the channels between preload and main process.

/** invoke: name and input of a request; answers a Reply. */
export const REQUEST_CHANNEL = 'sparsight:request';

/** send, to the page: a HostEvent. */
export const EVENT_CHANNEL = 'sparsight:event';

/** send, to the main process: a token and the path of the file that was dropped. */
export const DROP_CHANNEL = 'sparsight:drop';

/** What the side panel shows, one at a time: a tab each, in this order. */
export const SIDE_PANEL_TABS = ['measurements', 'zones', 'events', 'tracks'] as const;
export type SidePanelTab = (typeof SIDE_PANEL_TABS)[number];

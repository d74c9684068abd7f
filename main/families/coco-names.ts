/** The 80 classes of COCO (Lin et al., ECCV 2014), in the order of their category ids. */
// prettier-ignore
export const COCO_NAMES: readonly string[] = [
	'person', 'bicycle', 'car', 'motorcycle', 'airplane', 'bus', 'train', 'truck', 'boat', 'traffic light',
	'fire hydrant', 'stop sign', 'parking meter', 'bench', 'bird', 'cat', 'dog', 'horse', 'sheep', 'cow',
	'elephant', 'bear', 'zebra', 'giraffe', 'backpack', 'umbrella', 'handbag', 'tie', 'suitcase', 'frisbee',
	'skis', 'snowboard', 'sports ball', 'kite', 'baseball bat', 'baseball glove', 'skateboard', 'surfboard',
	'tennis racket', 'bottle', 'wine glass', 'cup', 'fork', 'knife', 'spoon', 'bowl', 'banana', 'apple',
	'sandwich', 'orange', 'broccoli', 'carrot', 'hot dog', 'pizza', 'donut', 'cake', 'chair', 'couch',
	'potted plant', 'bed', 'dining table', 'toilet', 'tv', 'laptop', 'mouse', 'remote', 'keyboard',
	'cell phone', 'microwave', 'oven', 'toaster', 'sink', 'refrigerator', 'book', 'clock', 'vase', 'scissors',
	'teddy bear', 'hair drier', 'toothbrush',
];

/** Category ids of COCO that no class has; the classes fill the others from 1 to 90 in order. */
const UNUSED_IDS = new Set([0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83]);
/** Logits of a head that counts by category id. */
export const COCO_ID_COUNT = 91;

/** Place in `COCO_NAMES` by category id, 0 to 90; −1 where no class has that id. */
export const COCO_INDEX_BY_ID: Int32Array = Int32Array.from({ length: COCO_ID_COUNT }, (_, id) => {
	if (UNUSED_IDS.has(id)) return -1;
	return id - [...UNUSED_IDS].filter((unused) => unused < id).length;
});

/** What the labels of a head mean. */
export type LabelNames = {
	names: readonly string[];
	/** Place in `names` by label; −1 = a label that means nothing. */
	indexByLabel: Int32Array;
};

/** COCO's classes where a head has as many labels as COCO has ids or classes, else numbered ones. */
export function labelNames(labels: number): LabelNames {
	if (labels === COCO_ID_COUNT) return { names: COCO_NAMES, indexByLabel: COCO_INDEX_BY_ID };
	const indexByLabel = Int32Array.from({ length: labels }, (_, label) => label);
	if (labels === COCO_NAMES.length) return { names: COCO_NAMES, indexByLabel };
	return { names: Array.from(indexByLabel, (label) => `class ${label}`), indexByLabel };
}

/** The 30 classes of ImageNet VID, in the order in which published detectors number them. */
// prettier-ignore
export const VID_CLASSES: readonly string[] = [
	'airplane', 'antelope', 'bear', 'bicycle', 'bird', 'bus', 'car', 'cattle', 'dog', 'domestic cat',
	'elephant', 'fox', 'giant panda', 'hamster', 'horse', 'lion', 'lizard', 'monkey', 'motorcycle', 'rabbit',
	'red panda', 'sheep', 'snake', 'squirrel', 'tiger', 'train', 'turtle', 'watercraft', 'whale', 'zebra',
];

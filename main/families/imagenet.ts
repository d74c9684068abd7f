/** Means and standard deviations of ImageNet's colours, of values in 0 to 1: what most published models were trained with. */
export const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

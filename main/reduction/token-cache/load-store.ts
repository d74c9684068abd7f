import type { WeightLookup } from '../../graph/layers.ts';
import type { GraphRuntime } from '../../runtime/runtime.ts';
import type { VitPlan } from '../../vit/plan.ts';
import { StoreInPlace } from './store-in-place.ts';
import { StoreOnDevice } from './store-on-device.ts';
import type { TokenStore } from './token-store.ts';

/** What is remembered lies where graphs run. */
export function loadStore(plan: VitPlan, weights: WeightLookup, runtime: GraphRuntime): Promise<TokenStore> {
	const { device } = runtime;
	return device
		? StoreOnDevice.load(plan, weights, runtime, device)
		: StoreInPlace.load(plan, weights, runtime);
}

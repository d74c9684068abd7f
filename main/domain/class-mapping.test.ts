import { describe, expect, it } from 'vitest';
import { canonicalClass, classPlaces, sharedClasses } from './class-mapping.ts';

describe('a class has one name', () => {
	it.each([
		['VOC', 'aeroplane', 'airplane'],
		['VOC', 'motorbike', 'motorcycle'],
		['VOC', 'sofa', 'couch'],
		['VOC', 'pottedplant', 'potted plant'],
		['VOC', 'diningtable', 'dining table'],
		['VOC', 'tvmonitor', 'tv'],
		['ImageNet VID', 'domestic cat', 'cat'],
		['ImageNet VID', 'cattle', 'cow'],
		['MOTChallenge', 'Pedestrian', 'person'],
		['BDD100K', 'motor', 'motorcycle'],
		['Open Images', 'Mobile phone', 'cell phone'],
		['Open Images', 'Kitchen & dining room table', 'dining table'],
		['Open Images', 'Flying disc', 'frisbee'],
		['Objects365', 'Moniter/TV', 'tv'],
		['Objects365', 'Handbag/Satchel', 'handbag'],
		['underscores', 'traffic_light', 'traffic light'],
		['a kind of a thing is none of its names', 'SUV', 'suv'],
	])('%s: %s is %s', (_, name, canonical) => expect(canonicalClass(name)).toBe(canonical));
});

describe('shared classes', () => {
	it('are numbered alike on both sides, and the others are named as each side calls them', () => {
		const shared = sharedClasses(['person', 'Car', 'kite'], ['aeroplane', 'car', 'Pedestrian']);
		expect(shared.names).toEqual(['person', 'car']);
		expect([...shared.first]).toEqual([0, 1, -1]);
		expect([...shared.second]).toEqual([-1, 1, 0]);
		expect(shared.leftOut).toEqual({ first: ['kite'], second: ['aeroplane'] });
	});

	it('of equal lists are all of them, synonyms kept apart', () => {
		const shared = sharedClasses(['boat', 'watercraft'], ['boat', 'watercraft']);
		expect([...shared.first]).toEqual([0, 1]);
		expect(shared.leftOut).toEqual({ first: [], second: [] });
	});

	it('may be one where a list has two names of it', () => {
		const shared = sharedClasses(['boat', 'watercraft'], ['boat']);
		expect([...shared.first]).toEqual([0, 0]);
	});
});

it('finds a class by its name before it looks for synonyms', () => {
	expect(classPlaces(['watercraft', 'sofa', 'kite'], ['boat', 'watercraft', 'couch'])).toEqual([1, 2, -1]);
});

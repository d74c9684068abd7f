import type { AddCommand, Session } from '../options.ts';
import {
	defineModelsAdd,
	defineModelsGet,
	defineModelsRemove,
	modelsAddCommand,
	modelsGetCommand,
	modelsRemoveCommand,
} from './get.ts';
import { defineModelsInfo, defineModelsList, modelsInfoCommand, modelsListCommand } from './list.ts';
import { defineModelCard, modelCardCommand } from './model-card.ts';
import { defineModelsVerify, modelsVerifyCommand } from './verify.ts';

/** What can be done with models; `sparsight models` alone gives the overview. */
export function addModelsCommands(add: AddCommand): void {
	add('list', defineModelsList, (_options: object, session: Session) => modelsListCommand(session));
	add('info', defineModelsInfo, modelsInfoCommand);
	add('get', defineModelsGet, modelsGetCommand);
	add('add', defineModelsAdd, modelsAddCommand);
	add('remove', defineModelsRemove, modelsRemoveCommand);
	add('card', defineModelCard, modelCardCommand);
	add('verify', defineModelsVerify, modelsVerifyCommand);
}

/** Texts of projects. */
export const projectEn = {
	'project.open': 'Open project',
	'project.save': 'Save project',
	'project.saveNow': 'Save',
	'project.name': 'Name',
	'project.none': 'No project was saved yet.',
	'project.hint': 'From then on, changes are saved by themselves. Videos that you open join the project.',
	'project.videos': 'Videos of the project',
	'project.remove': 'Take {name} out of the project',
	'project.putBack': 'Put {name} back',
	'project.dropped':
		'A browser does not say where {name} lies. Projects that were saved here are listed below.',
	'project.changed': 'not saved yet',
	'project.isMissing': ' (not found)',
	'code.project-unreadable': 'The project cannot be read.',
	'code.project-unreadable.remedy':
		'Choose a project that this version of Sparsight, or an earlier one, saved.',
	'code.project-exists': 'A project has that name.',
	'code.project-exists.remedy': 'Choose another name, or open that project.',
	'code.project-video-missing':
		'This video of the project was not found where it was, beside the project or among recent videos.',
	'code.project-video-missing.remedy': 'Choose the file, wherever it is now.',
	'code.project-video-differs': 'This is another video than the one in the project.',
	'code.project-video-differs.remedy': 'Choose the file that was moved or renamed.',
	'code.project-run-gone': 'The run that was shown here is not stored any more.',
	'code.project-run-gone.remedy': 'Start it anew, or choose another run.',
};

import js from '@eslint/js';
import boundaries from 'eslint-plugin-boundaries';
import svelte from 'eslint-plugin-svelte';
import ts from 'typescript-eslint';
import { noImportCircles } from './build/no-import-circles.js';

// Who may import whom: the house of ARCHITECTURE.md as a rule. A folder may always import itself.
const rooms = {
	domain: [],
	process: ['domain'],
	weights: ['domain', 'process'],
	graph: ['domain'],
	runtime: ['domain', 'process', 'graph'],
	video: ['domain'],
	results: ['domain', 'process', 'weights'],
	tracking: ['domain', 'results'],
	counting: ['domain'],
	evaluation: ['domain', 'results', 'video'],
	vit: ['domain', 'graph'],
	backbones: ['domain', 'graph'],
	pixels: ['domain'],
	camera: ['domain', 'pixels'],
	boxes: ['domain', 'graph', 'runtime'],
	reduction: ['domain', 'graph', 'runtime', 'pixels', 'camera', 'vit'],
	detector: ['domain', 'runtime', 'pixels', 'reduction'],
	families: [
		'domain',
		'process',
		'weights',
		'graph',
		'runtime',
		'vit',
		'backbones',
		'reduction',
		'pixels',
		'boxes',
		'detector',
	],
	models: ['domain', 'process', 'weights', 'detector', 'families'],
	parity: [
		'domain',
		'weights',
		'graph',
		'runtime',
		'vit',
		'backbones',
		'reduction',
		'pixels',
		'boxes',
		'detector',
		'families',
	],
	analysis: ['domain', 'process', 'video', 'runtime', 'detector', 'families', 'reduction', 'results'],
	export: ['domain', 'process', 'results', 'video', 'evaluation', 'tracking', 'counting'],
	execution: ['domain', 'process', 'video', 'models', 'runtime', 'reduction', 'results', 'analysis'],
	batch: ['domain', 'process', 'video', 'results', 'analysis', 'execution', 'tracking', 'counting', 'export'],
	probing: ['domain', 'process', 'video', 'pixels', 'runtime', 'families'],
	application: [
		'domain',
		'process',
		'video',
		'detector',
		'families',
		'reduction',
		'analysis',
		'results',
		'evaluation',
		'tracking',
		'counting',
		'export',
		'models',
		'probing',
		'batch',
		'execution',
	],
	'web-host': ['domain', 'process', 'analysis', 'execution', 'export', 'models', 'probing', 'application'],
	cli: [
		'domain',
		'process',
		'video',
		'detector',
		'families',
		'reduction',
		'runtime',
		'analysis',
		'results',
		'evaluation',
		'counting',
		'tracking',
		'export',
		'models',
		'parity',
		'execution',
		'batch',
	],
	desktop: ['domain', 'process', 'analysis', 'execution', 'export', 'models', 'probing', 'application'],
};

// Packages that one module alone may know.
const lonely = [
	{ name: 'onnxruntime-node', message: 'Only runtime/onnx-runtime.ts speaks to the runtime.' },
	{ name: 'fluent-ffmpeg', message: 'Only video/ffmpeg.ts spawns ffmpeg.' },
];
const page = {
	group: ['**/renderer/**'],
	message: 'The page is imported by nobody: what both need lies in preload.',
};
const forShell = { name: 'electron', message: 'Only the shell (main/desktop) imports electron.' };

// What needs types is in .oxlintrc.json.
export default ts.config(
	{
		ignores: [
			'node_modules',
			'out',
			'.svelte-check',
			'Wrong.svelte',
			'dist',
			'demo-output',
			'bench-output',
			'torture-output',
			'tools',
			'**/*.kernel.ts',
		],
	},
	js.configs.recommended,
	...ts.configs.strict,
	...svelte.configs.recommended,
	{
		files: ['**/*.ts'],
		rules: {
			// Tensor kernels index typed arrays in loops whose bounds are checked once; `!` says so.
			'@typescript-eslint/no-non-null-assertion': 'off',
			'@typescript-eslint/consistent-type-imports': 'error',
			// Taking one property out is how the rest is made.
			'@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
			eqeqeq: 'error',
			'no-console': 'error',
		},
	},
	{
		files: ['renderer/**/*.svelte', 'renderer/**/*.svelte.ts'],
		languageOptions: { parserOptions: { parser: ts.parser } },
		rules: {
			// The compiler's own check of types knows every name, the browser's too.
			'no-undef': 'off',
			'@typescript-eslint/no-non-null-assertion': 'off',
			// Sets that only keep books need not react.
			'svelte/prefer-svelte-reactivity': 'off',
		},
	},
	{
		files: ['**/*.ts', '**/*.svelte'],
		plugins: { house: { rules: { 'no-import-circles': noImportCircles } } },
		rules: { 'house/no-import-circles': 'error' },
	},
	{
		files: ['renderer/**'],
		ignores: ['**/*.test.ts', '**/*.fixture.ts'],
		rules: {
			'@typescript-eslint/no-restricted-imports': [
				'error',
				{
					patterns: [
						{ group: ['node:*', 'electron'], message: 'The page has neither Node nor Electron.' },
						{
							regex: '(^|/)main/(?!domain/|counting/)',
							allowTypeImports: true,
							message: 'The page runs code of main/domain and main/counting only.',
						},
					],
				},
			],
		},
	},
	{
		files: ['renderer/state/**', 'renderer/i18n/**', 'renderer/player/**'],
		rules: {
			'no-restricted-imports': [
				'error',
				{
					patterns: [
						{
							group: ['**/dialogs/**', '**/views/**'],
							message: 'What is shown knows the state, not the other way round.',
						},
					],
				},
			],
		},
	},
	{
		files: ['main/**/*.ts'],
		plugins: { boundaries },
		settings: {
			'import/resolver': { node: { extensions: ['.ts'] } },
			'boundaries/elements': Object.keys(rooms).map((type) => ({ type, pattern: `main/${type}` })),
		},
		rules: {
			'boundaries/dependencies': [
				'error',
				{
					default: 'disallow',
					policies: Object.entries(rooms).map(([from, allowed]) => ({
						from: { element: { type: from } },
						allow: { to: { element: { type: [from, ...allowed] } } },
					})),
				},
			],
			'no-restricted-imports': ['error', { paths: [...lonely, forShell], patterns: [page] }],
		},
	},
	{
		files: ['main/desktop/**'],
		rules: { 'no-restricted-imports': ['error', { paths: lonely, patterns: [page] }] },
	},
	{
		files: ['main/runtime/onnx-runtime.ts', 'main/video/ffmpeg.ts'],
		rules: { 'no-restricted-imports': 'off' },
	},
	{ files: ['**/*.test.ts'], rules: { 'boundaries/dependencies': 'off' } },
	{
		files: ['scripts/**', 'bin/**'],
		languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
	},
);

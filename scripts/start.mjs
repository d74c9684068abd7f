console.error(
	'The desktop application is not built yet; what works is the command line: "npm run demo", ' +
		'"npx sparsight analyze <video>", "npx sparsight compare <video>", "npx sparsight doctor".',
);
process.exit(1);

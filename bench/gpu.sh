#!/usr/bin/env bash
# What a graphics card computes and how fast, against the processor beside it. Made to take less than ten minutes.
#   bench/gpu.sh                 on this machine
#   bench/gpu.sh --software      the proofs on the software device of Debian's Chromium; no speeds
#   bench/gpu.sh --pack FILE     packs everything, Node included, for a bare Linux machine: tar xf FILE && ./sparsight-gpu/bench/gpu.sh
set -euo pipefail
cd "$(dirname "$0")/.."
out=${OUT:-bench-output}/gpu
node=${NODE:-$([ -x ./node ] && echo "$PWD/node" || echo node)}
program=out/main/bench-device.js
[ -f "$program" ] || { npm run build >&2; }

if [ "${1:-}" = --pack ]; then
	archive=${2:?a file is expected behind --pack}
	work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
	root=$work/sparsight-gpu
	mkdir -p "$root/bench" "$root/out/main" "$root/node_modules/onnxruntime-node/bin/napi-v6/linux"
	cp bench/gpu.sh "$root/bench/"
	cp -r "$program" out/main/chunks "$root/out/main/"
	cp "$(command -v node)" "$root/node"
	cp package.json "$root/"
	cp -r node_modules/onnxruntime-node/{package.json,dist} "$root/node_modules/onnxruntime-node/"
	cp -r node_modules/onnxruntime-node/bin/napi-v6/linux/x64 "$root/node_modules/onnxruntime-node/bin/napi-v6/linux/"
	for package in onnxruntime-common onnx-proto protobufjs long @protobufjs; do
		cp -rL "node_modules/$package" "$root/node_modules/$package"
	done
	find "$root" -name '*.map' -delete
	tar -C "$work" -cJf "$archive" sparsight-gpu
	echo "$archive: $(du -h "$archive" | cut -f1)"
	exit
fi

failed=0
# Arguments: seconds at most, provider, parts; more goes to the program.
measure() {
	local seconds=$1 provider=$2 parts=$3; shift 3
	echo "== $provider: $parts"
	timeout "$seconds" "$node" --expose-gc "$program" --provider "$provider" --parts "$parts" --out "$out" "$@" ||
		{ echo "$provider did not come to its end: see above"; failed=1; }
}

rm -rf "$out"
mkdir -p "$out"
if [ "${1:-}" = --software ]; then
	driver=$(dirname "$(readlink -f "$(command -v chromium || echo /usr/lib/chromium/chromium)")")
	[ -f "$driver/vk_swiftshader_icd.json" ] || driver=/usr/lib/chromium
	[ -f "$driver/vk_swiftshader_icd.json" ] || { echo "skipped: there is no software device (Debian's chromium brings one)"; exit 0; }
	export VK_ICD_FILENAMES=$driver/vk_swiftshader_icd.json LD_LIBRARY_PATH=$driver
	measure 1800 webgpu answers,parity,traps
	# Its threads keep the stacks that they waited in, more and more of them; with one thread, memory tells of the program alone.
	program=$(realpath "$program") out=$(realpath "$out")/flat
	work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
	printf '[Processor]\nThreadCount=1\n' > "$work/SwiftShader.ini"
	cd "$work"
	measure 3600 webgpu flat
	exit $failed
fi
measure 90 cpu speed --rounds 1 --threads "$(nproc)"
measure 240 webgpu answers,parity,traps,flat,speed
measure 120 cuda answers,speed
"$node" "$program" --table "$out" | tee "$out/table.md"
exit $failed

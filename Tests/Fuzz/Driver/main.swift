import FuzzTargets
import Glibc

// libFuzzer with one of the targets:
//
//     FUZZ_TARGET=NAME fuzz [libFuzzer's options] FOLDER-OR-FILE…
//     fuzz targets                 names of targets, most bytes of an input, most runs
//     fuzz seeds NAME FOLDER       writes the target's seeds
//
// The target is named in the environment, because libFuzzer starts itself anew with its own
// arguments when it merges.

/// libFuzzer's own loop (FuzzerInterface.h); the library comes without that header.
@_silgen_name("LLVMFuzzerRunDriver")
func runLibFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// What AddressSanitizer is told before anything runs: to look for no leaks.
///
/// It does not see pointers that Swift keeps with bits of its own, as in a `Data`, and takes what
/// they hold for lost. What truly leaks ends at libFuzzer's bound of memory.
@_cdecl("__asan_default_options")
func addressSanitizerOptions() -> UnsafePointer<CChar>? {
    UnsafeRawPointer(StaticString("detect_leaks=0").utf8Start).assumingMemoryBound(to: CChar.self)
}

func target(named name: String) -> FuzzTarget {
    guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
        print("there is no target \"\(name)\": name one in FUZZ_TARGET")
        exit(64)
    }
    return target
}

if CommandLine.arguments.dropFirst().first == "targets" {
    for target in FuzzTarget.all { print(target.name, target.bytesMax, target.runsMax) }
    exit(0)
}
if CommandLine.arguments.count == 4, CommandLine.arguments[1] == "seeds" {
    let (name, folder) = (CommandLine.arguments[2], CommandLine.arguments[3])
    for (number, seed) in try target(named: name).seeds().enumerated() {
        guard let file = fopen("\(folder)/seed-\(number)", "w") else { exit(1) }
        fwrite(seed, 1, seed.count, file)
        fclose(file)
    }
    exit(0)
}

let chosen = target(named: getenv("FUZZ_TARGET").map { String(cString: $0) } ?? "")
var count = CommandLine.argc
var arguments = CommandLine.unsafeArgv
exit(
    runLibFuzzer(&count, &arguments) { start, count in
        do {
            try chosen.run([UInt8](UnsafeBufferPointer(start: start, count: count)))
        } catch {
            fatalError("violated: \(error)")
        }
        return 0
    })

/// One place where outside bytes come in, as a function of bytes.
///
/// It returns for whatever bytes there are: that it neither traps nor calls `violated` is what is
/// fuzzed. `make test` runs it over the corpus and every former crash, `make fuzz` over what
/// libFuzzer makes of them.
package struct FuzzTarget: Sendable {
    package let name: String
    /// Bytes of an input beyond which nothing new is to be found.
    package let bytesMax: Int
    /// Runs in one process, where a library is known to keep something of each; 0: any number.
    package let runsMax: Int
    /// Good inputs to begin with: recorded streams, the deployment's files, messages made by hand.
    package let seeds: @Sendable () throws -> [[UInt8]]
    package let run: @Sendable ([UInt8]) throws -> Void

    init(
        _ name: String, bytesMax: Int = 4_096, runsMax: Int = 0,
        seeds: @escaping @Sendable () throws -> [[UInt8]],
        run: @escaping @Sendable ([UInt8]) throws -> Void
    ) {
        self.name = name
        self.bytesMax = bytesMax
        self.runsMax = runsMax
        self.seeds = seeds
        self.run = run
    }

    package static let all: [FuzzTarget] = [
        event, partnerMessage, partnerBatch,
        slp, fetch, subscriber, exchange,
        scoringEvents, rewardsEvents, profileEvents, requests,
        zap, keyFiles,
        methods, behaviours, catalogue, profileTable,
        cityDay, cityFolder, edgeAnswers, runFile, settings,
    ]
}

/// Ends the process with the reason: a property that must hold for all bytes does not.
func violated(_ reason: @autoclosure () -> String) -> Never {
    // A failed precondition says nothing in a release build.
    fatalError("violated: \(reason())")
}

func require(_ condition: Bool, _ reason: @autoclosure () -> String) {
    if !condition { violated(reason()) }
}

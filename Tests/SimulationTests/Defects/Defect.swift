import Simulation
import Testing

/// A fault that somebody could build into the platform, put in the place of one sound part.
///
/// Nothing of it is in the shipped code, not even a switch: a defect wraps a domain, changes what
/// a network carries, or opens a store wrongly.
struct Defect: Sendable, CustomTestStringConvertible {
    let name: String
    /// How many seeds may pass before it is caught, ten times what it took when it was planted.
    let seedsMax: UInt64
    /// The faults to try it with; the seed's own if nil.
    var faults: [Fault]?
    let plant: @Sendable (inout Parts) -> Void

    var testDescription: String { name }

    var parts: @Sendable () -> Parts {
        let plant = plant
        return {
            var parts = Parts()
            plant(&parts)
            return parts
        }
    }

    func scenario(seed: UInt64) -> Scenario {
        var scenario = Scenario(seed: seed)
        if let faults { scenario.faults = faults }
        return scenario
    }

    static let all = [
        publishesBeforeCommit, movesCursorAlone, claimsBeforeWriting, receiptsBeforeSync,
        syncsNormally, fetchesOnOwnHead, trustsAnyChain, roundsTwice, cancelMakesLot,
        expiresSpentLots, takesConflictForDuplicate, skipsDayAfterRestart, reencodesPages,
    ]
}

import Foundation
import Simulation

/// What every test of the simulator needs.
enum Stage {
    static let rules = Result {
        try Rules(
            deploy: URL(filePath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent().path + "/deploy")
    }
}

import Greenctl
package import Streams

/// What a world is put together from: the real services, and a network that carries what it gets.
///
/// A test of the simulator itself puts something broken in the place of one part.
package struct Parts {
    package var ingestion: (World) -> any Machine = {
        ServiceMachine(Services.ingestion(in: $0), in: $0)
    }
    package var scoring: (World) -> any Machine = {
        ServiceMachine(Services.scoring(in: $0), in: $0)
    }
    package var rewards: (World) -> any Machine = {
        ServiceMachine(Services.rewards(in: $0), in: $0)
    }
    package var creditProfile: (World) -> any Machine = {
        ServiceMachine(Services.creditProfile(in: $0), in: $0)
    }

    /// A block as it comes out of the network, before the subscriber sees it.
    package var arriving: (Block, _ after: Cursor) -> Block = { block, _ in block }
    /// A question as the publisher understands it.
    package var asked: (SLP.Question, Witness) -> SLP.Question = { question, _ in question }
    /// A page's frames as they go out.
    package var leaving: (_ page: [[UInt8]]) -> [[UInt8]] = { $0 }
    /// Whether blocks are published before they are committed.
    package var announcesEarly = false
    /// Whether a HEAD overtakes its blocks.
    package var tellsHeadFirst = false

    package init() {}

    func machine(of service: ServiceName, in world: World) -> any Machine {
        switch service {
        case .ingestion: ingestion(world)
        case .scoring: scoring(world)
        case .rewards: rewards(world)
        case .creditProfile: creditProfile(world)
        }
    }
}

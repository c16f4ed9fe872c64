package import GRDB
package import Logging
package import Messages
package import Storage
package import Streams
package import ZeroMQ

/// What makes one service different from the others: everything `ServiceMain` needs to run it.
package protocol ServiceProgram: SendableMetatype {
    associatedtype Work: Domain

    /// `credit-profile`: the name of its program, store and run file.
    static var name: String { get }
    /// The stream it publishes.
    static var stream: StreamName { get }
    /// The streams it consumes, and the services that publish them.
    static var inputs: [(stream: StreamName, service: String)] { get }
    /// Its own settings, besides the common ones.
    static var settings: [Setting] { get }
    /// Events in one transaction.
    static var transactionEventsMax: Int { get }
    /// How it gathers events between transactions; nil where somebody waits for each.
    static var gathering: Gathering? { get }
    /// The tables of its store.
    static var migrations: DatabaseMigrator { get }
    /// Makes the domain from what is in the store and in the settings.
    ///
    /// Throws `ConfigurationProblem` if it cannot run on what it was given.
    static func prepare(_ context: ServiceContext) throws -> Prepared<Work>
}

extension ServiceProgram {
    package static var gathering: Gathering? { nil }
}

/// A domain ready to be run.
package struct Prepared<Work: Domain> {
    package var domain: Work
    package var answering: any Answering
    /// Made once the engine exists: what else has to run, such as the partners' edge.
    package var companions: (Engine<Work>) throws -> [any Companion]

    package init(
        domain: Work, answering: any Answering,
        companions: @escaping (Engine<Work>) throws -> [any Companion] = { _ in [] }
    ) {
        self.domain = domain
        self.answering = answering
        self.companions = companions
    }
}

/// A part of a service with a thread of its own; started after the engine and stopped before it.
package protocol Companion: Sendable {
    /// Endpoints to be told in the run file.
    var endpoints: [String: String] { get }
    func start() throws
    /// Returns when nothing of it runs any more.
    func stop()
}

/// What a service is given to prepare itself.
package struct ServiceContext {
    package let settings: Settings
    package let folder: DataFolder
    package let store: Store
    package let secrets: Secrets
    package let identity: LogIdentity
    package let zeroMQ: Context
    package let logger: Logger
}

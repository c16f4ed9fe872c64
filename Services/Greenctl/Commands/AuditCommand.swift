import ArgumentParser

struct AuditCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Proves that everything balances, or names the first message that does not.",
        discussion: """
            Reads the stores of all services, live or stopped, and changes nothing. A consumer \
            that lags is compared where it stands. Exits with 1 if a law is broken.
            """)

    @Flag(help: "Recompute every sum and every chain from the entries; takes longer.")
    var full = false
    @OptionGroup var common: CommonOptions

    func perform(at desk: Desk) throws {
        let report = try Audit(stores: StoreSet(at: desk), full: full).run()
        try desk.show(report, as: \.lines)
        if let finding = report.finding {
            throw Failure(.refused, "the books do not balance: \(finding)")
        }
    }
}

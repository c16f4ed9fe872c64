import ArgumentParser

struct DumpCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump",
        abstract: "Prints what everything has come to, in a form that equal systems share.",
        discussion: """
            The format is docs/canonical-dump.md. Wait first (`greenctl wait --settled`): what a \
            service has not applied yet is not in its part.
            """)

    @Flag(help: "The canonical form, which is the only one: it holds no positions and no times.")
    var canonical = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard canonical else { throw ValidationError("say which form: --canonical") }
    }

    func perform(at desk: Desk) throws {
        let stores = try StoreSet(at: desk)
        desk.write([try stores.read { try CanonicalDump($0).text() }])
    }
}

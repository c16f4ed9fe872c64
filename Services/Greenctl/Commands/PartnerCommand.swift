import ArgumentParser
import Foundation
import Messages
import ZeroMQ

struct PartnerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "partner", abstract: "Organisations that report behaviours.",
        subcommands: [Add.self, List.self])

    struct Add: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Registers a partner under its CURVE public key.",
            discussion: """
                The partner makes its own key pair and sends the public half (--public-key), or \
                this command makes one and writes the secret to a new file, readable by its owner \
                alone (--key-out); the file goes to the partner and is not needed here again.
                """)

        @Argument(help: "a-z, 0-9 and -, beginning with a letter.") var id: String
        @Option(
            parsing: .upToNextOption,
            help: ArgumentHelp("URNs that only this partner may use.", valueName: "urn"))
        var source: [String]
        @Option(help: ArgumentHelp("Codes it may report, with commas.", valueName: "codes"))
        var behaviours: String
        @Option(help: ArgumentHelp("Its CURVE public key, Z85.", valueName: "z85"))
        var publicKey: String?
        @Option(help: ArgumentHelp("Where to write a new secret key.", valueName: "file"))
        var keyOut: String?
        @OptionGroup var order: KeyOption
        @OptionGroup var common: CommonOptions

        func validate() throws {
            guard (publicKey == nil) != (keyOut == nil) else {
                throw ValidationError("give either --public-key or --key-out")
            }
            if let publicKey, PublicKey(z85: publicKey) == nil {
                throw ValidationError("--public-key takes a CURVE key: 40 characters of Z85")
            }
        }

        func perform(at desk: Desk) throws {
            let key = try publicKey ?? keyOut.map { try PartnerKeys.pair(at: $0).publicKey.z85 }
            let request = AddPartner(
                id: id, sources: source,
                behaviours: behaviours.split(separator: ",").map(String.init),
                publicKey: key ?? "")
            let partner = try desk.services.order(.ingestion, request, key: order.value)
            try desk.show(partner) { partner in
                var details = Details()
                details.add("partner", partner.id)
                details.add("sources", partner.sources.joined(separator: ", "))
                details.add("behaviours", partner.behaviours.joined(separator: ", "))
                details.add("public key", partner.publicKey)
                details.add("secret key", keyOut.map { "\($0) (hand it to the partner)" })
                return details.lines
            }
        }
    }

    struct List: OperatorCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists partners and what became of their events.")

        @OptionGroup var common: CommonOptions

        func perform(at desk: Desk) throws {
            try desk.show(desk.services.ask(.ingestion, ListPartners())) { list in
                guard !list.items.isEmpty else {
                    return ["no partners yet: register one with `greenctl partner add`"]
                }
                var table = Table(
                    "PARTNER", ">RECEIVED", ">ACCEPTED", ">DUPLICATE", ">REJECTED", "BEHAVIOURS",
                    "SOURCES")
                for partner in list.items {
                    table.add(
                        partner.id, Wording.count(partner.counts.received),
                        Wording.count(partner.counts.accepted),
                        Wording.count(partner.counts.duplicate),
                        Wording.count(partner.counts.rejected),
                        partner.behaviours.joined(separator: ","),
                        partner.sources.joined(separator: ","))
                }
                return table.lines
            }
        }
    }
}
